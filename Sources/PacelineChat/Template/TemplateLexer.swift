/// Cuts a template into tokens, and applies Jinja's whitespace control on the way.
///
/// The options are Hugging Face's, for which model files are written. `trim_blocks` drops a newline after a statement
/// or comment; `lstrip_blocks` drops white space before one that begins its line. The last newline of the template is
/// dropped, too. Source: Jinja 3.1, lexer and template designer documentation.
struct TemplateLexer {
    let source: [Unicode.Scalar]
    var place = 0
    var line = 1
    /// Whether the text before `place` ends a line, in Jinja's sense: what a tag consumed counts.
    private var isLineStart = true
    private(set) var tokens: [(token: TemplateToken, line: Int)] = []

    init(_ template: String) {
        var scalars: [Unicode.Scalar] = []
        var isAfterReturn = false
        for scalar in template.unicodeScalars {
            if scalar != "\n" || !isAfterReturn { scalars.append(scalar == "\r" ? "\n" : scalar) }
            isAfterReturn = scalar == "\r"
        }
        if scalars.last == "\n" { scalars.removeLast() }
        source = scalars
    }

    mutating func run() throws(TemplateError) -> [(token: TemplateToken, line: Int)] {
        while place < source.count {
            guard let start = nextTag() else {
                emitText(to: source.count, stripping: false)
                break
            }
            try readTag(at: start)
        }
        append(.end)
        return tokens
    }

    // MARK: Tags

    /// The position of the next `{%`, `{{` or `{#`.
    private func nextTag() -> Int? {
        var position = place
        while position + 1 < source.count {
            if source[position] == "{", ["%", "{", "#"].contains(source[position + 1]) { return position }
            position += 1
        }
        return nil
    }

    private mutating func readTag(at start: Int) throws(TemplateError) {
        let kind = source[start + 1]
        let sign = start + 2 < source.count ? source[start + 2] : " "
        let strips = kind != "{" && sign != "+"
        if sign == "-" {
            emitText(to: start, strippingAll: true)
        } else {
            emitText(to: start, stripping: strips)
        }
        place = start + 2
        if sign == "-" || sign == "+" { place += 1 }
        switch kind {
        case "#": try skipComment()
        case "{":
            append(.printBegin)
            try readCode(closing: "}")
            append(.printEnd)
            endTag(trims: false)
        default:
            if try readRaw() { return }
            append(.statementBegin)
            try readCode(closing: "%")
            append(.statementEnd)
            endTag(trims: true)
        }
    }

    private mutating func skipComment() throws(TemplateError) {
        let start = place
        while place + 1 < source.count {
            if source[place] == "#", source[place + 1] == "}" { return endTag(trims: true, isEmpty: place == start) }
            step()
        }
        throw .syntax("a comment has no end; '#}' is missing", line: line)
    }

    /// Passes a tag's end, and the white space after it that whitespace control drops.
    ///
    /// - Parameters:
    ///   - trims: a newline that follows is dropped.
    ///   - isEmpty: what stands before is the tag's beginning, and no sign of its end.
    private mutating func endTag(trims: Bool, isEmpty: Bool = false) {
        let sign = isEmpty ? " " : source[place - 1]
        place += 2
        isLineStart = false
        if sign == "-" {
            while place < source.count, isPythonSpace(source[place].value) { step() }
            isLineStart = place > 0 && source[place - 1] == "\n"
        } else if trims, sign != "+", place < source.count, source[place] == "\n" {
            step()
            isLineStart = true
        }
    }

    /// Reads `{% raw %}…{% endraw %}` as text.
    private mutating func readRaw() throws(TemplateError) -> Bool {
        let (savedPlace, savedLine) = (place, line)
        guard takeWord("raw"), takeEnd() else {
            (place, line) = (savedPlace, savedLine)
            return false
        }
        endTag(trims: true)
        while let start = nextStatement() {
            let sign = source[start + 2]
            let textEnd = start
            let (before, beforeLine) = (place, line)
            place = start + 2 + (sign == "-" || sign == "+" ? 1 : 0)
            let isEnd = takeWord("endraw") && takeEnd()
            let tagEnd = place
            (place, line) = (before, beforeLine)
            guard isEnd else {
                emitText(to: start + 2, stripping: false)
                continue
            }
            if sign == "-" {
                emitText(to: textEnd, strippingAll: true)
            } else {
                emitText(to: textEnd, stripping: sign != "+")
            }
            while place < tagEnd { step() }
            endTag(trims: true)
            return true
        }
        throw .syntax("'raw' has no end; 'endraw' is missing", line: savedLine)
    }

    private func nextStatement() -> Int? {
        var position = place
        while position + 2 < source.count {
            if source[position] == "{", source[position + 1] == "%" { return position }
            position += 1
        }
        return nil
    }

    private mutating func takeWord(_ word: String) -> Bool {
        skipSpace()
        let end = place + word.unicodeScalars.count
        guard end <= source.count, source[place..<end].elementsEqual(word.unicodeScalars) else { return false }
        guard end == source.count || !Self.isNameScalar(source[end]) else { return false }
        place = end
        return true
    }

    /// Stops at the `%}` of a tag that has nothing more in it.
    private mutating func takeEnd() -> Bool {
        skipSpace()
        if place < source.count, source[place] == "-" || source[place] == "+" { place += 1 }
        return place + 1 < source.count && source[place] == "%" && source[place + 1] == "}"
    }

    private mutating func skipSpace() {
        while place < source.count, isPythonSpace(source[place].value) { step() }
    }

    // MARK: Text

    private mutating func emitText(to end: Int, stripping: Bool = false, strippingAll: Bool = false) {
        var last = end
        if strippingAll {
            while last > place, isPythonSpace(source[last - 1].value) { last -= 1 }
        } else if stripping {
            var begin = end
            while begin > place, source[begin - 1] != "\n" { begin -= 1 }
            let isAtLine = begin > place || isLineStart
            if isAtLine, source[begin..<end].allSatisfy({ isPythonSpace($0.value) }) { last = begin }
        }
        if last > place {
            var view = String.UnicodeScalarView()
            view.append(contentsOf: source[place..<last])
            append(.text(String(view)))
        }
        while place < end { step() }
    }

    mutating func step() {
        if source[place] == "\n" { line += 1 }
        place += 1
    }

    mutating func append(_ token: TemplateToken) {
        tokens.append((token, line))
    }

    // MARK: Code

    private static func isNameScalar(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "_" || scalar.properties.isXIDContinue
    }

    private static let symbols: [String] = [
        "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=",
        ".", ":", "|", ",", ";",
    ]

    /// Reads tokens up to the tag's end, and stops at it.
    private mutating func readCode(closing: Unicode.Scalar) throws(TemplateError) {
        var open: [Unicode.Scalar] = []
        while true {
            skipSpace()
            guard place < source.count else { throw .syntax("a tag has no end", line: line) }
            if open.isEmpty, isEnd(closing) { return }
            let scalar = source[place]
            switch scalar {
            case "\"", "'": try readString(quote: scalar)
            case "0"..."9": try readNumber()
            case _ where scalar == "_" || scalar.properties.isXIDStart: readName()
            default: try readSymbol(&open)
            }
        }
    }

    private mutating func isEnd(_ closing: Unicode.Scalar) -> Bool {
        func matches(_ position: Int) -> Bool {
            position + 1 < source.count && source[position] == closing && source[position + 1] == "}"
        }
        if matches(place) { return true }
        // Only a statement may keep the newline after it with a plus sign.
        guard source[place] == "-" || (source[place] == "+" && closing == "%"), matches(place + 1) else { return false }
        place += 1
        return true
    }

    private mutating func readName() {
        let start = place
        while place < source.count, Self.isNameScalar(source[place]) { place += 1 }
        var view = String.UnicodeScalarView()
        view.append(contentsOf: source[start..<place])
        append(.name(String(view)))
    }

    private mutating func readSymbol(_ open: inout [Unicode.Scalar]) throws(TemplateError) {
        for symbol in Self.symbols {
            let end = place + symbol.unicodeScalars.count
            guard end <= source.count, source[place..<end].elementsEqual(symbol.unicodeScalars) else { continue }
            try balance(source[place], &open)
            append(.symbol(symbol))
            place = end
            return
        }
        throw .syntax("unexpected character '\(source[place])'", line: line)
    }

    private func balance(_ scalar: Unicode.Scalar, _ open: inout [Unicode.Scalar]) throws(TemplateError) {
        switch scalar {
        case "(": open.append(")")
        case "[": open.append("]")
        case "{": open.append("}")
        case ")", "]", "}":
            guard open.popLast() == scalar else { throw .syntax("unexpected '\(scalar)'", line: line) }
        default: break
        }
    }
}
