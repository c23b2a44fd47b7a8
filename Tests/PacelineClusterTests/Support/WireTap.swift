import NIOCore
import PacelineWire

/// Frames on the wire between two machines, for tests that listen in or meddle.
enum WireTap {
    struct Cut: Error {}

    /// Cuts bytes into frames, without asking whether those may come.
    static func frames(in bytes: ByteBuffer) throws -> [Frame] {
        var rest = bytes
        var frames: [Frame] = []
        while rest.readableBytes > 0 {
            guard let header = rest.readSlice(length: FrameHeader.byteCount),
                let type = header.getInteger(at: header.readerIndex + 10, as: UInt8.self).flatMap(MessageType.init),
                let length = header.getInteger(at: header.readerIndex + 12, endianness: .little, as: UInt32.self),
                let sequence = header.getInteger(at: header.readerIndex + 20, endianness: .little, as: UInt64.self),
                let payload = rest.readSlice(length: Int(length))
            else { throw Cut() }
            frames.append(Frame(type: type, sequence: sequence, payload: payload))
        }
        return frames
    }

    /// A message as the first frame of a connection, or a later one.
    static func frame(
        _ message: Message,
        sequence: UInt64 = 1,
        phase: LinkPhase = .handshake
    ) throws -> ByteBuffer {
        var writer = MessageWriter(phase: phase)
        var bytes = ByteBuffer()
        try writer.write(message, into: &bytes)
        bytes.moveReaderIndex(forwardBy: FrameHeader.byteCount)
        return Frame(type: message.type, sequence: sequence, payload: bytes).encoded
    }

    /// What a handshake frame says.
    static func message(in frame: Frame) throws -> Message {
        try MessageDecoder(phase: .handshake).decode(frame)
    }
}
