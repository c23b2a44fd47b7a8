/// Reads grammars in llama.cpp's notation, GBNF; the text is what the rule `root` describes.
///
/// Source: `grammars/README.md` of llama.cpp. Rules that begin with themselves are refused, as there.
struct GBNFReader {
    private var builder: GrammarBuilder
    private let scalars: [Unicode.Scalar]
    private var place = 0
    private var depth = 0
    private var rules: [String: (number: Int32, term: Term, line: Int)] = [:]
    private var defined: Set<String> = []

    private static let depthLimit = 100
    private static let countLimit: Int32 = 10_000

    static func compile(_ text: String, into builder: inout GrammarBuilder) throws(GrammarError) -> Term {
        var reader = GBNFReader(builder, Array(text.unicodeScalars))
        try reader.readRules()
        builder = reader.builder
        for (name, rule) in reader.rules.sorted(by: { $0.value.number < $1.value.number })
        where !reader.defined.contains(name) {
            throw GrammarError("line \(rule.line)", "the rule \(name.prefix(80)) is used and not defined")
        }
        guard let root = reader.rules["root"] else {
            throw GrammarError("", "the grammar has no rule root; name the rule for the whole text so")
        }
        return root.term
    }

    private init(_ builder: GrammarBuilder, _ scalars: [Unicode.Scalar]) {
        (self.builder, self.scalars) = (builder, scalars)
    }

    /// The line of a place that has been passed.
    private var counted = (place: 0, line: 1)

    private var line: Int { counted.line + scalars[counted.place..<place].count { $0 == "\n" } }

    private mutating func currentLine() -> Int {
        counted = (place, line)
        return counted.line
    }

    private func failure(_ reason: String) -> GrammarError { GrammarError("line \(line)", reason) }

    private var next: Unicode.Scalar? { place < scalars.count ? scalars[place] : nil }

    private mutating func skip(_ text: String) -> Bool {
        let wanted = Array(text.unicodeScalars)
        guard scalars[place...].starts(with: wanted) else { return false }
        place += wanted.count
        return true
    }

    private mutating func take() throws(GrammarError) -> Unicode.Scalar {
        guard let next else { throw failure("the grammar ends too early") }
        place += 1
        return next
    }

    /// Skips spaces and comments, and line breaks too if `lines`.
    private mutating func skipSpace(lines: Bool) {
        while let next {
            if next == "#" {
                while let next = self.next, next != "\n", next != "\r" { place += 1 }
            } else if next == " " || next == "\t" || (lines && (next == "\n" || next == "\r")) {
                place += 1
            } else {
                return
            }
        }
    }

    private mutating func name() -> String? {
        let start = place
        while let next, Self.isOfName(next) { place += 1 }
        guard place > start else { return nil }
        var name = ""
        name.unicodeScalars.append(contentsOf: scalars[start..<place])
        return name
    }

    private static func isOfName(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "-", "_": true
        default: false
        }
    }

    // MARK: Rules

    private mutating func readRules() throws(GrammarError) {
        skipSpace(lines: true)
        while next != nil {
            guard let name = name() else { throw failure("the name of a rule was expected") }
            skipSpace(lines: false)
            guard skip("::=") else { throw failure("::= was expected behind the name of a rule") }
            skipSpace(lines: true)
            guard defined.insert(name).inserted else {
                throw failure("the rule \(name.prefix(80)) is defined twice; give one another name")
            }
            let rule = rule(name).number
            builder.define(rule, as: try alternatives(nested: false))
            try builder.check("line \(currentLine())")
            guard next == nil || next == "\n" || next == "\r" else { throw failure("the rule was expected to end") }
            skipSpace(lines: true)
        }
    }

    private mutating func rule(_ name: String) -> (number: Int32, term: Term, line: Int) {
        if let known = rules[name] { return known }
        let (number, term) = builder.newRule()
        rules[name] = (number, term, currentLine())
        return (number, term, counted.line)
    }

    private mutating func alternatives(nested: Bool) throws(GrammarError) -> Term {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthLimit else { throw failure("groups are nested deeper than \(Self.depthLimit)") }
        var terms = [try sequence(nested: nested)]
        while skip("|") {
            skipSpace(lines: true)
            terms.append(try sequence(nested: nested))
        }
        return builder.terms.choice(terms)
    }

    private mutating func sequence(nested: Bool) throws(GrammarError) -> Term {
        var terms: [Term] = []
        while let term = try symbol() {
            terms.append(try repeated(term))
            skipSpace(lines: nested)
        }
        return builder.terms.sequence(terms)
    }

    /// The next symbol; nil where a sequence ends.
    private mutating func symbol() throws(GrammarError) -> Term? {
        switch next {
        case "\"": return try literal()
        case "[": return builder.terms.utf8(try characters())
        case ".":
            place += 1
            return builder.terms.utf8(.all)
        case "(":
            place += 1
            skipSpace(lines: true)
            let term = try alternatives(nested: true)
            guard skip(")") else { throw failure("a group is not closed; ) was expected") }
            return term
        case "<", "!": throw failure("tokens in grammars are not supported; write their text")
        default: return name().map { rule($0).term }
        }
    }

    private mutating func repeated(_ term: Term) throws(GrammarError) -> Term {
        var term = term
        while true {
            switch next {
            case "*": term = builder.terms.repetition(term, 0, nil)
            case "+": term = builder.terms.repetition(term, 1, nil)
            case "?": term = builder.terms.optional(term)
            case "{":
                place += 1
                let (least, most) = try counts()
                term = builder.terms.repetition(term, least, most)
                continue
            default: return term
            }
            place += 1
        }
    }

    private mutating func counts() throws(GrammarError) -> (Int32, Int32?) {
        skipSpace(lines: false)
        let least = try number()
        skipSpace(lines: false)
        var most = least
        if skip(",") {
            skipSpace(lines: false)
            most = try number()
            skipSpace(lines: false)
        }
        guard skip("}"), least != nil || most != nil else { throw failure("a repetition looks like {2} or {2,5}") }
        if let most, most < least ?? 0 { throw failure("the numbers of a repetition are in the wrong order") }
        return (least ?? 0, most)
    }

    private mutating func number() throws(GrammarError) -> Int32? {
        guard let value = scalars.number(at: &place, limit: Self.countLimit) else { return nil }
        guard value <= Self.countLimit else { throw failure("a repetition may count up to \(Self.countLimit)") }
        return value
    }

    // MARK: Characters

    private mutating func literal() throws(GrammarError) -> Term {
        place += 1
        var bytes: [UInt8] = []
        while !skip("\"") { bytes += String(try character()).utf8 }
        return builder.terms.literal(bytes)
    }

    private mutating func characters() throws(GrammarError) -> CodePointSet {
        place += 1
        let isNegated = skip("^")
        var ranges: [ClosedRange<UInt32>] = []
        while !skip("]") {
            let first = try character().value
            var last = first
            if next == "-", place + 1 < scalars.count, scalars[place + 1] != "]" {
                place += 1
                last = try character().value
            }
            guard first <= last else { throw failure("a range of characters is in the wrong order") }
            ranges.append(first...last)
        }
        let set = CodePointSet(ranges)
        return isNegated ? set.complement : set
    }

    private mutating func character() throws(GrammarError) -> Unicode.Scalar {
        let scalar = try take()
        guard scalar == "\\" else { return scalar }
        let escape = try take()
        switch escape {
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "\"", "\\", "[", "]", "-", "^": return escape
        case "x": return try code(2)
        case "u": return try code(4)
        case "U": return try code(8)
        default: throw failure("the escape \\\(escape) is not known")
        }
    }

    private mutating func code(_ digits: Int) throws(GrammarError) -> Unicode.Scalar {
        var value: UInt32 = 0
        for _ in 0..<digits {
            guard let digit = UInt32(String(try take()), radix: 16), value < 0x0800_0000 else {
                throw failure("an escape needs \(digits) hexadecimal digits")
            }
            value = value << 4 + digit
        }
        guard let scalar = Unicode.Scalar(value) else { throw failure("an escape stands for no character") }
        return scalar
    }
}
