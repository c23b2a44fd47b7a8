import NIOCore
import PacelineCluster
import PacelineWire

/// Finds the frames of the draft link in a stream, whatever else is in it.
///
/// A header counts only with its checksum, so that no other protocol's bytes are taken for one. Held back are at most
/// one frame, and of other bytes those that may be the beginning of a header.
struct FrameSplitter: Sendable {
    enum Part {
        case frame(FrameHeader, ByteBuffer)
        /// Bytes that belong to no frame.
        case other(ByteBuffer)
    }

    private var pending = ByteBuffer()

    mutating func append(_ bytes: ByteBuffer) {
        if pending.readableBytes == 0 { return pending = bytes }
        pending.discardReadBytes()
        pending.writeImmutableBuffer(bytes)
    }

    /// The next part that is whole.
    mutating func next() -> Part? {
        guard pending.readableBytes > 0 else { return nil }
        let count = Self.distanceToMagic(in: pending.readableBytesView)
        if count > 0 { return pending.readSlice(length: count).map { .other($0) } }
        guard pending.readableBytes >= FrameHeader.byteCount else { return nil }
        guard let header = FrameHeader(lookingAt: pending) else {
            return pending.readSlice(length: 1).map { .other($0) }
        }
        let size = FrameHeader.byteCount + header.payloadLength
        return pending.readSlice(length: size).map { .frame(header, $0) }
    }

    /// Whether bytes wait of which nobody knows yet whether they begin a frame.
    var isUnsure: Bool { 1..<FrameHeader.byteCount ~= pending.readableBytes }

    /// What is left, whole or not.
    mutating func takeRest() -> ByteBuffer {
        defer { pending = ByteBuffer() }
        return pending
    }

    /// Bytes before the first place where a header may begin.
    private static func distanceToMagic(in view: ByteBufferView) -> Int {
        var place = view.startIndex
        while place < view.endIndex {
            if zip(view[place...], FrameHeader.magic).allSatisfy(==) { break }
            place += 1
        }
        return place - view.startIndex
    }
}

/// What toxics on frames remember.
struct FrameMemory: Sendable {
    typealias Passing = (header: FrameHeader, bytes: ByteBuffer)

    /// How long bytes that may be the beginning of a header wait for more.
    static let patience = Duration.milliseconds(500)

    var splitter = FrameSplitter()
    /// When such bytes pass if nothing follows.
    var restDue: Instant?
    /// Where the next part begins in the stream.
    var offset: UInt64 = 0
    /// Frames so far.
    var number: UInt64 = 0
    /// How much later sequence numbers are than the sender's, modulo 2^64.
    var shift: UInt64 = 0
    /// A frame that waits for the next one.
    var waiting: Passing?
    /// A frame that has left and leaves again.
    var repeated: ToxicStage.Item?
    /// The latest frames, the oldest first.
    var history: [Passing] = []
}
