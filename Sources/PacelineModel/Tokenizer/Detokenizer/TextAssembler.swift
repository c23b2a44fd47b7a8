/// Makes text of bytes that arrive in pieces: only whole characters come out, and the rest waits.
///
/// All that comes out, put together, equals `String(decoding: allBytes, as: UTF8.self)` however the bytes were cut.
package struct TextAssembler: Sendable {
    /// The beginning of a sequence that may still become valid; three bytes at most.
    private var pending: [UInt8] = []

    package init() {}

    /// Takes more bytes and returns the text that they complete. Sequences that cannot become valid turn into U+FFFD.
    package mutating func append(_ bytes: some Sequence<UInt8>) -> String {
        pending.append(contentsOf: bytes)
        let complete = pending.withUnsafeBytes { Self.completeCount($0) }
        // Whole sequences only, so repairing each part equals repairing the whole.
        let text = String(decoding: pending[..<complete], as: UTF8.self)
        pending.removeFirst(complete)
        return text
    }

    /// Returns what still waits, as U+FFFD since no more bytes will complete it, and starts anew.
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
