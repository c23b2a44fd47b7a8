import NIOCore
import PacelineWire

/// Turns the bytes of one link into messages, and messages into bytes.
struct LinkCodec: Sendable {
    private(set) var reader = MessageReader(phase: .handshake)
    private var writer = MessageWriter(phase: .handshake)

    /// Sequence number of the last frame that came in whole; 0 before the first.
    var lastReceived: UInt64 { reader.lastSequence }

    /// Leaves the handshake: other messages may follow.
    mutating func handshakeEnded(with peer: LinkPeer) {
        let phase = LinkPhase.established(
            limits: peer.limits,
            vocabularySize: peer.vocabularySize,
            version: peer.version,
            features: peer.features
        )
        reader.phase = phase
        writer.phase = phase
    }

    /// Takes bytes off the transport.
    mutating func append(_ bytes: ByteBuffer) {
        reader.append(bytes)
    }

    /// The next message with its frame; nil if it has not arrived in full.
    mutating func next() throws(LinkFault) -> MessageReader.Received? {
        do {
            return try reader.next()
        } catch {
            throw .malformed(code: error.faultCode, reason: error.description)
        }
    }

    /// The message as it travels.
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
