/// Follows one call as Qwen3-Coder writes it, `<function=NAME><parameter=KEY>VALUE</parameter>…</function>`, byte by
/// byte. Names hold no `<`, `>` or line breaks; a value is anything up to its end marker.
struct FunctionScanner: Sendable {
    enum Progress {
        case more, complete, invalid
    }

    private enum State {
        /// Before one of these markers, of which `matched` bytes have come.
        case before([Marker], matched: [UInt8])
        case name
        case key
        case value
    }

    private enum Marker: String {
        case function = "<function="
        case parameter = "<parameter="
        case end = "</function>"
    }

    private static let valueEnd = Array("</parameter>".utf8)
    private static let nameLimit = 256

    private var state: State
    private var text: [UInt8] = []
    private(set) var name = ""
    private var key = ""
    /// In the order in which they came.
    private(set) var parameters: [(key: String, value: String)] = []

    /// - Parameter isOpened: whether `<function=` has come already.
    init(isOpened: Bool) {
        state = isOpened ? .name : .before([.function], matched: [])
    }

    mutating func take(_ byte: UInt8) -> Progress {
        switch state {
        case .before(let markers, let matched): return match(byte, markers, matched)
        case .name, .key: return takeName(byte)
        case .value:
            text.append(byte)
            if byte == UInt8(ascii: ">"), text.suffix(Self.valueEnd.count).elementsEqual(Self.valueEnd) {
                parameters.append((key, Self.value(text.dropLast(Self.valueEnd.count))))
                text = []
                state = .before([.parameter, .end], matched: [])
            }
            return .more
        }
    }

    private mutating func match(_ byte: UInt8, _ markers: [Marker], _ matched: [UInt8]) -> Progress {
        if matched.isEmpty, byte.isSpace { return .more }
        let longer = matched + [byte]
        let left = markers.filter { $0.rawValue.utf8.starts(with: longer) }
        guard let marker = left.first else { return .invalid }
        guard marker.rawValue.utf8.count == longer.count else {
            state = .before(left, matched: longer)
            return .more
        }
        switch marker {
        case .function: state = .name
        case .parameter: state = .key
        case .end: return .complete
        }
        return .more
    }

    private mutating func takeName(_ byte: UInt8) -> Progress {
        switch byte {
        case UInt8(ascii: ">"):
            let found = String(decoding: text, as: UTF8.self)
            guard !found.isEmpty else { return .invalid }
            text = []
            if case .name = state {
                name = found
                state = .before([.parameter, .end], matched: [])
            } else {
                key = found
                state = .value
            }
            return .more
        case UInt8(ascii: "<"), UInt8(ascii: "\n"), UInt8(ascii: "\r"): return .invalid
        default:
            text.append(byte)
            return text.count <= Self.nameLimit ? .more : .invalid
        }
    }

    /// A value stands on lines of its own: one line break before it and one behind it are no part of it.
    private static func value(_ bytes: ArraySlice<UInt8>) -> String {
        var bytes = bytes
        if bytes.first == UInt8(ascii: "\n") { bytes = bytes.dropFirst() }
        if bytes.last == UInt8(ascii: "\n") { bytes = bytes.dropLast() }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension UInt8 {
    /// White space of ASCII.
    var isSpace: Bool { self == 0x20 || (0x09...0x0d).contains(self) }
}
