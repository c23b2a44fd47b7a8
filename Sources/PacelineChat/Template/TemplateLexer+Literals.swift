/// Numbers and strings.
extension TemplateLexer {
    mutating func readNumber() throws(TemplateError) {
        let start = place
        if source[place] == "0", place + 1 < source.count, let radix = Self.radix(source[place + 1]) {
            place += 2
            try appendInteger(digits(radix: radix), radix: radix)
            return
        }
        var text = digits(radix: 10)
        var isFloat = false
        if place + 1 < source.count, source[place] == ".", Self.digit(source[place + 1], radix: 10) {
            place += 1
            text += "." + digits(radix: 10)
            isFloat = true
        }
        if let exponent = exponent() {
            text += exponent
            isFloat = true
        }
        guard isFloat else {
            guard text.count == 1 || !text.hasPrefix("0") || text.allSatisfy({ $0 == "0" }) else {
                throw .syntax("the number '\(text)' begins with a zero", line: line)
            }
            return try appendInteger(text, radix: 10)
        }
        guard start < place, let value = Double(text) else {
            throw .syntax("'\(text)' is not a number", line: line)
        }
        append(.float(value))
    }

    private mutating func appendInteger(_ digits: String, radix: Int) throws(TemplateError) {
        guard let value = Int(digits, radix: radix) else {
            throw .syntax("the number '\(digits)' is too large", line: line)
        }
        append(.int(value))
    }

    private mutating func digits(radix: Int) -> String {
        var text = ""
        while place < source.count {
            if Self.digit(source[place], radix: radix) {
                text.unicodeScalars.append(source[place])
            } else if source[place] != "_" || place + 1 >= source.count
                || !Self.digit(source[place + 1], radix: radix)
            {
                break
            }
            place += 1
        }
        return text
    }

    private mutating func exponent() -> String? {
        var end = place
        guard end < source.count, source[end] == "e" || source[end] == "E" else { return nil }
        end += 1
        var text = "e"
        if end < source.count, source[end] == "+" || source[end] == "-" {
            text.unicodeScalars.append(source[end])
            end += 1
        }
        guard end < source.count, Self.digit(source[end], radix: 10) else { return nil }
        place = end
        return text + digits(radix: 10)
    }

    private static func digit(_ scalar: Unicode.Scalar, radix: Int) -> Bool {
        scalar.isASCII && Character(scalar).hexDigitValue.map { $0 < radix } ?? false
    }

    private static func radix(_ scalar: Unicode.Scalar) -> Int? {
        switch scalar {
        case "x", "X": 16
        case "o", "O": 8
        case "b", "B": 2
        default: nil
        }
    }

    mutating func readString(quote: Unicode.Scalar) throws(TemplateError) {
        let first = line
        step()
        var view = String.UnicodeScalarView()
        while place < source.count, source[place] != quote {
            guard source[place] == "\\", place + 1 < source.count else {
                view.append(source[place])
                step()
                continue
            }
            step()
            try readEscape(into: &view)
        }
        guard place < source.count else { throw .syntax("a string has no end", line: first) }
        step()
        append(.string(String(view)))
    }

    /// Python's escapes; a backslash before anything else stands for itself.
    private mutating func readEscape(into view: inout String.UnicodeScalarView) throws(TemplateError) {
        let scalar = source[place]
        step()
        switch scalar {
        case "\n": break
        case "\\", "'", "\"": view.append(scalar)
        case "a": view.append("\u{07}")
        case "b": view.append("\u{08}")
        case "f": view.append("\u{0C}")
        case "n": view.append("\n")
        case "r": view.append("\r")
        case "t": view.append("\t")
        case "v": view.append("\u{0B}")
        case "x": try readCode(length: 2, into: &view)
        case "u": try readCode(length: 4, into: &view)
        case "U": try readCode(length: 8, into: &view)
        case "0"..."7":
            var value = scalar.value - 48
            for _ in 0..<2 where place < source.count && Self.digit(source[place], radix: 8) {
                value = value * 8 + source[place].value - 48
                place += 1
            }
            view.append(Unicode.Scalar(value) ?? "\u{FFFD}")
        default:
            view.append("\\")
            view.append(scalar)
        }
    }

    private mutating func readCode(length: Int, into view: inout String.UnicodeScalarView) throws(TemplateError) {
        let end = min(place + length, source.count)
        let digits = String(String.UnicodeScalarView(source[place..<end]))
        guard end - place == length, digits.allSatisfy(\.isHexDigit), let value = UInt32(digits, radix: 16) else {
            throw .syntax("an escape needs \(length) hexadecimal digits", line: line)
        }
        guard let scalar = Unicode.Scalar(value) else {
            throw .syntax("the escape '\(digits)' is not a Unicode character", line: line)
        }
        view.append(scalar)
        place = end
    }
}
