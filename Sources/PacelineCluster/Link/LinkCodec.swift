import NIOCore
import PacelineWire

/// Bytes to messages and back for one link.
struct LinkCodec: Sendable {
    private var reader = MessageReader(phase: .handshake)
    private var writer = MessageWriter(phase: .handshake)

    /// Sequence number of the last frame that came in whole; 0 before the first.
    var lastReceived: UInt64 { reader.lastSequence }

    /// Bytes that have come and are not yet read.
    var bufferedBytes: Int { reader.bufferedBytes }

    /// Messages are no longer those of the handshake.
    mutating func handshakeEnded(with peer: LinkPeer) {
        let phase = LinkPhase.established(
            limits: peer.limits,
            vocabularySize: peer.vocabularySize,
            version: peer.version
        )
        reader.phase = phase
        writer.phase = phase
    }

    /// Takes bytes off the transport.
    mutating func append(_ bytes: ByteBuffer) {
        reader.append(bytes)
    }

    /// The next message with its frame; nil if more bytes must come first.
    mutating func next() throws(LinkFault) -> MessageReader.Received? {
        do {
            return try reader.next()
        } catch {
            throw .malformed(code: error.faultCode, reason: error.description)
        }
    }

    /// The message as it will travel.
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
