/// Follows one JSON object byte by byte: knows where it ends, notices the first byte that is not JSON, and remembers
/// where the values of its own keys are.
///
/// Source: RFC 8259.
struct ObjectScanner: Sendable {
    enum Progress {
        case more, complete, invalid
    }

    /// How deeply arrays and objects may be nested, as in requests.
    private static let depthLimit = 100

    private enum Expectation {
        /// A value; in an array that has just begun, its end too.
        case value(orEnd: Bool)
        /// A key; in an object that has just begun, its end too.
        case key(orEnd: Bool)
        case colon
        /// What follows a value: a comma or the end.
        case next
        case string(isKey: Bool)
        /// Behind a backslash; hexadecimal digits that are still to come.
        case escape(isKey: Bool)
        case digits(Int, isKey: Bool)
        /// The rest of `true`, `false` or `null`.
        case word(ArraySlice<UInt8>)
        case number(NumberScanner)
    }

    private var expected = Expectation.value(orEnd: false)
    /// Whether each open container is an object.
    private var open: [Bool] = []
    private var place = 0
    private var start = 0
    private var key = 0..<0
    /// The object's own keys, with their quotation marks, and the values; offsets from its first byte.
    private(set) var entries: [(key: Range<Int>, value: Range<Int>)] = []

    /// Takes the next byte; the first must be the opening brace.
    mutating func take(_ byte: UInt8) -> Progress {
        defer { place += 1 }
        if case .number(var number) = expected {
            switch number.take(byte) {
            case .more:
                expected = .number(number)
                return .more
            case .invalid: return .invalid
            case .complete: endValue(at: place)
            }
        }
        return step(byte)
    }

    private mutating func step(_ byte: UInt8) -> Progress {
        switch expected {
        case .string(let isKey): return inString(byte, isKey: isKey)
        case .escape(let isKey): return inEscape(byte, isKey: isKey)
        case .digits(let count, let isKey):
            guard Character(Unicode.Scalar(byte)).isHexDigit else { return .invalid }
            expected = count == 1 ? .string(isKey: isKey) : .digits(count - 1, isKey: isKey)
            return .more
        case .word(let rest):
            guard byte == rest.first else { return .invalid }
            if rest.count == 1 { endValue(at: place + 1) } else { expected = .word(rest.dropFirst()) }
            return .more
        case .value, .key, .colon, .next, .number: break
        }
        if byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { return place == 0 ? .invalid : .more }
        return structure(byte)
    }

    private mutating func structure(_ byte: UInt8) -> Progress {
        switch (expected, byte) {
        case (.value(let orEnd), _):
            if orEnd, byte == UInt8(ascii: "]") { return close(isObject: false) }
            return begin(byte)
        case (.key(_), UInt8(ascii: "\"")):
            if open.count == 1 { start = place }
            expected = .string(isKey: true)
        case (.key(orEnd: true), UInt8(ascii: "}")): return close(isObject: true)
        case (.colon, UInt8(ascii: ":")): expected = .value(orEnd: false)
        case (.next, UInt8(ascii: ",")):
            expected = open.last == true ? .key(orEnd: false) : .value(orEnd: false)
        case (.next, UInt8(ascii: "}")): return close(isObject: true)
        case (.next, UInt8(ascii: "]")): return close(isObject: false)
        default: return .invalid
        }
        return .more
    }

    private mutating func begin(_ byte: UInt8) -> Progress {
        guard place > 0 || byte == UInt8(ascii: "{") else { return .invalid }
        if open.count == 1 { start = place }
        switch byte {
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            guard open.count < Self.depthLimit else { return .invalid }
            let isObject = byte == UInt8(ascii: "{")
            open.append(isObject)
            expected = isObject ? .key(orEnd: true) : .value(orEnd: true)
        case UInt8(ascii: "\""): expected = .string(isKey: false)
        case UInt8(ascii: "t"): expected = .word(Array("rue".utf8)[...])
        case UInt8(ascii: "f"): expected = .word(Array("alse".utf8)[...])
        case UInt8(ascii: "n"): expected = .word(Array("ull".utf8)[...])
        default:
            var number = NumberScanner()
            guard case .more = number.take(byte) else { return .invalid }
            expected = .number(number)
        }
        return .more
    }

    private mutating func inString(_ byte: UInt8, isKey: Bool) -> Progress {
        switch byte {
        case UInt8(ascii: "\""):
            if !isKey {
                endValue(at: place + 1)
            } else {
                if open.count == 1 { key = start..<place + 1 }
                expected = .colon
            }
        case UInt8(ascii: "\\"): expected = .escape(isKey: isKey)
        case 0..<0x20: return .invalid
        default: break
        }
        return .more
    }

    private mutating func inEscape(_ byte: UInt8, isKey: Bool) -> Progress {
        switch byte {
        case UInt8(ascii: "u"): expected = .digits(4, isKey: isKey)
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            expected = .string(isKey: isKey)
        default: return .invalid
        }
        return .more
    }

    private mutating func close(isObject: Bool) -> Progress {
        guard open.popLast() == isObject else { return .invalid }
        guard !open.isEmpty else { return .complete }
        endValue(at: place + 1)
        return .more
    }

    private mutating func endValue(at end: Int) {
        if open.count == 1 { entries.append((key, start..<end)) }
        expected = .next
    }
}

/// Follows one JSON number byte by byte. It is complete with the first byte that is no part of it.
struct NumberScanner: Sendable {
    private enum Part {
        case start, minus, zero, whole, point, fraction, exponent, sign, power
    }

    private var part = Part.start

    mutating func take(_ byte: UInt8) -> ObjectScanner.Progress {
        guard let next = next(byte) else {
            switch part {
            case .zero, .whole, .fraction, .power: return .complete
            case .start, .minus, .point, .exponent, .sign: return .invalid
            }
        }
        part = next
        return .more
    }

    /// The part that the byte belongs to; nil if it belongs to none that may follow.
    private func next(_ byte: UInt8) -> Part? {
        switch (part, byte) {
        case (.start, UInt8(ascii: "-")): .minus
        case (.start, 0x30), (.minus, 0x30): .zero
        case (.start, 0x31...0x39), (.minus, 0x31...0x39), (.whole, 0x30...0x39): .whole
        case (.zero, UInt8(ascii: ".")), (.whole, UInt8(ascii: ".")): .point
        case (.point, 0x30...0x39), (.fraction, 0x30...0x39): .fraction
        case (.zero, 0x45), (.zero, 0x65), (.whole, 0x45), (.whole, 0x65), (.fraction, 0x45), (.fraction, 0x65):
            .exponent
        case (.exponent, UInt8(ascii: "+")), (.exponent, UInt8(ascii: "-")): .sign
        case (.exponent, 0x30...0x39), (.sign, 0x30...0x39), (.power, 0x30...0x39): .power
        default: nil
        }
    }
}
