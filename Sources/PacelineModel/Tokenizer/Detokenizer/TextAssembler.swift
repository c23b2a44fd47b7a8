/// Turns bytes that arrive in pieces into text: emits whole characters and holds back the rest.
///
/// The concatenated output equals `String(decoding: allBytes, as: UTF8.self)`, however the bytes were split.
package struct TextAssembler: Sendable {
    /// The beginning of a sequence that may still become valid; at most three bytes.
    private var pending: [UInt8] = []

    package init() {}

    /// Takes more bytes and returns the text that they complete. Invalid sequences become U+FFFD.
    package mutating func append(_ bytes: some Sequence<UInt8>) -> String {
        pending.append(contentsOf: bytes)
        let complete = pending.withUnsafeBytes { Self.completeCount($0) }
        // Each part has only whole sequences, so repairing the parts equals repairing the whole.
        let text = String(decoding: pending[..<complete], as: UTF8.self)
        pending.removeFirst(complete)
        return text
    }

    /// Returns U+FFFD for an incomplete sequence, if there is one, and resets.
    package mutating func finish() -> String {
        defer { pending = [] }
        return String(decoding: pending, as: UTF8.self)
    }

    private static func completeCount(_ bytes: UnsafeRawBufferPointer) -> Int {
        var index = 0
        while index < bytes.count {
            switch UTF8Scanner.step(bytes, at: index) {
            case .scalar(let length), .invalid(let length): index += length
            case .incomplete: return index
            }
        }
        return index
    }
}
