/// Reads JSON into template values, in the order in which it was written.
///
/// Tool definitions and arguments are printed into the prompt, so the order of their keys is part of the prompt.
/// Source: RFC 8259. A key that comes twice has its last value, at its first place, as in Python.
package struct JSONReader {
    /// Why a text is not JSON, with the position in UTF-8 bytes.
    package struct Failure: Error, Equatable, CustomStringConvertible {
        package let reason: String
        package let offset: Int
        /// Whether the text is JSON so far, and only nested too deeply.
        package var isTooDeep = false
        /// The keys and places that lead to it, as `.name` and `[0]`; the innermost first.
        package private(set) var steps: [String] = []

        /// The same inside of another value.
        fileprivate func inside(_ step: String) -> Failure {
            var outer = self
            outer.steps.append(step)
            return outer
        }

        package var description: String { "\(reason) at byte \(offset)" }
    }

    private let bytes: [UInt8]
    private let isMessage: Bool
    private let depthLimit: Int
    private var place = 0

    /// - Parameters:
    ///   - isMessage: strings and keys are marked as text that a client sent.
    ///   - depthLimit: how deeply arrays and objects may be nested.
    package static func read(
        _ text: String,
        isMessage: Bool = true,
        depthLimit: Int = 100
    ) throws(Failure) -> TemplateValue {
        var reader = JSONReader(bytes: Array(text.utf8), isMessage: isMessage, depthLimit: depthLimit)
        let value = try reader.value(depth: 0)
        reader.skipSpace()
        guard reader.place == reader.bytes.count else { throw reader.failure("more text follows the value") }
        return value
    }

    private init(bytes: [UInt8], isMessage: Bool, depthLimit: Int) {
        self.bytes = bytes
        self.isMessage = isMessage
        self.depthLimit = depthLimit
    }

    private func failure(_ reason: String) -> Failure {
        Failure(reason: reason, offset: place)
    }

    private var byte: UInt8? { place < bytes.count ? bytes[place] : nil }

    private mutating func skipSpace() {
        while let byte, [0x20, 0x09, 0x0a, 0x0d].contains(byte) { place += 1 }
    }

    private mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard byte == UInt8(ascii: character) else { return false }
        place += 1
        return true
    }

    private mutating func value(depth: Int) throws(Failure) -> TemplateValue {
        guard depth <= depthLimit else {
            var failure = failure("arrays and objects are nested deeper than \(depthLimit)")
            failure.isTooDeep = true
            throw failure
        }
        skipSpace()
        switch byte {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .text(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .none)
        case nil: throw failure("a value is missing")
        default: return try number()
        }
    }

    private mutating func value(depth: Int, inside step: @autoclosure () -> String) throws(Failure) -> TemplateValue {
        do throws(Failure) {
            return try value(depth: depth)
        } catch {
            throw error.inside(step())
        }
    }

    private mutating func word(_ word: String, _ value: TemplateValue) throws(Failure) -> TemplateValue {
        guard bytes[place...].starts(with: word.utf8) else { throw failure("'\(word)' was expected") }
        place += word.utf8.count
        return value
    }

    private mutating func array(depth: Int) throws(Failure) -> TemplateValue {
        place += 1
        skipSpace()
        var items: [TemplateValue] = []
        if skip("]") { return .list(items) }
        while true {
            items.append(try value(depth: depth + 1, inside: "[\(items.count)]"))
            skipSpace()
            if skip("]") { return .list(items) }
            guard skip(",") else { throw failure("',' or ']' was expected") }
        }
    }

    private mutating func object(depth: Int) throws(Failure) -> TemplateValue {
        place += 1
        skipSpace()
        var mapping = TemplateMapping()
        if skip("}") { return .mapping(mapping) }
        while true {
            skipSpace()
            guard byte == UInt8(ascii: "\"") else { throw failure("a key in quotes was expected") }
            let key = try string()
            skipSpace()
            guard skip(":") else { throw failure("':' was expected") }
            mapping.set(.text(key), try value(depth: depth + 1, inside: ".\(key.string)"))
            skipSpace()
            if skip("}") { return .mapping(mapping) }
            guard skip(",") else { throw failure("',' or '}' was expected") }
        }
    }

    private mutating func number() throws(Failure) -> TemplateValue {
        let start = place
        _ = skip("-")
        let whole = digits()
        guard whole > 0, whole == 1 || bytes[place - whole] != UInt8(ascii: "0") else {
            throw failure("a value was expected")
        }
        var isInteger = true
        if skip(".") {
            isInteger = false
            guard digits() > 0 else { throw failure("digits were expected after the point") }
        }
        if skip("e") || skip("E") {
            isInteger = false
            if !skip("-") { _ = skip("+") }
            guard digits() > 0 else { throw failure("digits were expected in the exponent") }
        }
        let text = String(decoding: bytes[start..<place], as: UTF8.self)
        if isInteger { return Int(text).map { .int($0) } ?? .numeral(text) }
        guard let number = Double(text) else { throw failure("'\(text)' is not a number") }
        return .float(number)
    }

    private mutating func digits() -> Int {
        let start = place
        while let byte, (0x30...0x39).contains(byte) { place += 1 }
        return place - start
    }

    private mutating func string() throws(Failure) -> ChatText {
        place += 1
        var text = ""
        var start = place
        while true {
            guard let byte else { throw failure("a string has no end") }
            guard byte >= 0x20 else { throw failure("a control character in a string needs an escape") }
            if byte == UInt8(ascii: "\"") {
                text += String(decoding: bytes[start..<place], as: UTF8.self)
                place += 1
                return isMessage ? ChatText(message: text) : ChatText(text)
            }
            guard byte == UInt8(ascii: "\\") else {
                place += 1
                continue
            }
            text += String(decoding: bytes[start..<place], as: UTF8.self)
            place += 1
            text.unicodeScalars.append(try escape())
            start = place
        }
    }

    private mutating func escape() throws(Failure) -> Unicode.Scalar {
        guard let byte else { throw failure("a string has no end") }
        place += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{08}"
        case UInt8(ascii: "f"): return "\u{0C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try unicodeEscape()
        default: throw failure("an unknown escape")
        }
    }

    /// A character outside the basic plane is written as two halves; half of one becomes the replacement character.
    private mutating func unicodeEscape() throws(Failure) -> Unicode.Scalar {
        let first = try codeUnit()
        guard (0xd800...0xdbff).contains(first) else { return Unicode.Scalar(first) ?? "\u{FFFD}" }
        let back = place
        guard skip("\\"), skip("u") else {
            place = back
            return "\u{FFFD}"
        }
        let second = try codeUnit()
        guard (0xdc00...0xdfff).contains(second) else {
            place = back
            return "\u{FFFD}"
        }
        return Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00)) ?? "\u{FFFD}"
    }

    private mutating func codeUnit() throws(Failure) -> UInt32 {
        let end = place + 4
        guard end <= bytes.count, bytes[place..<end].allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
            let value = UInt32(String(decoding: bytes[place..<end], as: UTF8.self), radix: 16)
        else { throw failure("an escape needs four hexadecimal digits") }
        place = end
        return value
    }
}
