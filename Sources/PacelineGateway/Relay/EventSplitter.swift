import NIOCore

/// Cuts a replica's bytes into server-sent events. Verifiers end each with an empty line, and write no carriage
/// returns.
struct EventSplitter: Sendable {
    private static let end = BytePattern("\n\n")

    private var buffer = ByteBuffer()
    /// Bytes at the beginning that have no end of an event.
    private var searched = 0

    /// Bytes of an event whose end has not come.
    var waiting: Int { buffer.readableBytes }

    mutating func append(_ bytes: ByteBuffer) {
        if buffer.readableBytes == 0 {
            buffer = bytes
        } else {
            buffer.discardReadBytes()
            buffer.writeImmutableBuffer(bytes)
        }
    }

    /// The next whole event, its empty line included.
    mutating func next() -> ByteBuffer? {
        let end = buffer.withUnsafeReadableBytes { Self.end.first(in: $0, from: searched) }
        guard let end else {
            searched = max(0, buffer.readableBytes - 1)
            return nil
        }
        searched = 0
        return buffer.readSlice(length: end + Self.end.count)
    }
}
