/// Text that remembers, scalar by scalar, what came from a message.
///
/// Chat templates mix their own text with text from messages. In the template's text `<|im_end|>` is a special token;
/// in a message the same characters must stay ordinary text. Every operation of the template language moves, copies or
/// replaces single scalars, so a mark on each scalar survives all of them.
///
/// Python's strings are sequences of Unicode scalars; so lengths and positions count scalars here, too.
package struct ChatText: Sendable {
    /// A scalar's value with ``mark`` set if it came from a message.
    typealias Unit = UInt32

    static let mark: Unit = 1 << 31

    var units: [Unit]

    init(units: [Unit]) {
        self.units = units
    }

    /// Text of the template itself, or of the model file.
    package init(_ text: String) {
        units = Self.units(of: text, marked: 0)
    }

    /// Text of a message, or of anything else that a client sent.
    package init(message text: String) {
        units = Self.units(of: text, marked: Self.mark)
    }

    private static func units(of text: String, marked mark: Unit) -> [Unit] {
        // ASCII needs no decoding, and most text is that.
        let plain = text.utf8.withContiguousStorageIfAvailable { bytes -> [Unit]? in
            bytes.allSatisfy { $0 < 0x80 } ? bytes.map { Unit($0) | mark } : nil
        }
        return (plain ?? nil) ?? text.unicodeScalars.map { $0.value | mark }
    }

    static let empty = ChatText(units: [])

    /// The number of scalars.
    package var count: Int { units.count }

    package var isEmpty: Bool { units.isEmpty }

    /// The characters without their marks.
    package var string: String {
        if units.allSatisfy({ Self.value($0) < 0x80 }) {
            return String(unsafeUninitializedCapacity: units.count) { bytes in
                for place in units.indices { bytes[place] = UInt8(truncatingIfNeeded: Self.value(units[place])) }
                return units.count
            }
        }
        var view = String.UnicodeScalarView()
        for unit in units { view.append(Self.scalar(unit)) }
        return String(view)
    }

    /// The text cut where its origin changes.
    package var runs: [(text: String, isMessage: Bool)] {
        var runs: [(text: String, isMessage: Bool)] = []
        var start = 0
        for end in units.indices where end + 1 == units.count || (units[end] ^ units[end + 1]) & Self.mark != 0 {
            runs.append((ChatText(units: Array(units[start...end])).string, units[end] & Self.mark != 0))
            start = end + 1
        }
        return runs
    }

    static func scalar(_ unit: Unit) -> Unicode.Scalar {
        Unicode.Scalar(unit & ~mark) ?? "\u{FFFD}"
    }

    /// The scalar's value without its mark.
    static func value(_ unit: Unit) -> Unit {
        unit & ~mark
    }

    static func + (left: ChatText, right: ChatText) -> ChatText {
        ChatText(units: left.units + right.units)
    }

    static func += (left: inout ChatText, right: ChatText) {
        left.units += right.units
    }
}

/// Compares and hashes what a reader sees: marks make no difference.
extension ChatText: Hashable, Comparable {
    package static func == (left: ChatText, right: ChatText) -> Bool {
        left.count == right.count && left.units.elementsEqual(right.units) { value($0) == value($1) }
    }

    package static func < (left: ChatText, right: ChatText) -> Bool {
        left.units.lexicographicallyPrecedes(right.units) { value($0) < value($1) }
    }

    package func hash(into hasher: inout Hasher) {
        for unit in units { hasher.combine(Self.value(unit)) }
    }
}

extension ChatText: ExpressibleByStringLiteral {
    package init(stringLiteral text: String) {
        self.init(text)
    }
}
