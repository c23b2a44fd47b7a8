import NIOCore
import PacelineWire

/// Bytes to messages and back for one link.
struct LinkCodec: Sendable {
    private var buffer = ByteBuffer()
    private var frames = FrameDecoder(phase: .handshake)
    private var messages = MessageDecoder(phase: .handshake)
    private var writer = MessageWriter(phase: .handshake)

    /// Sequence number of the last frame that came in whole; 0 before the first.
    var lastReceived: UInt64 { frames.lastSequence }

    /// Messages are no longer those of the handshake.
    mutating func handshakeEnded(limits: LinkLimits, vocabularySize: Int) {
        let phase = LinkPhase.established(limits: limits, vocabularySize: vocabularySize)
        frames.phase = phase
        messages.phase = phase
        writer.phase = phase
    }

    /// Takes bytes off the transport. The buffer holds less than one frame and what one read brought.
    mutating func append(_ bytes: ByteBuffer) {
        if buffer.readableBytes == 0 {
            buffer = bytes
        } else {
            buffer.writeImmutableBuffer(bytes)
        }
    }

    /// The next message; nil if more bytes must come first.
    mutating func next() throws(LinkFault) -> Message? {
        let frame: Frame?
        do {
            frame = try frames.decode(buffer: &buffer)
        } catch {
            throw .malformed(code: .badFrame, reason: error.description)
        }
        guard let frame else { return nil }
        do {
            return try messages.decode(frame)
        } catch {
            throw .malformed(code: .badMessage, reason: error.description)
        }
    }

    mutating func encode(_ message: Message) throws(LinkFault) -> ByteBuffer {
        var bytes = ByteBuffer()
        do {
            try writer.write(message, into: &bytes)
        } catch {
            throw .internal("a \(message.type) message could not be written: \(error)")
        }
        return bytes
    }
}
