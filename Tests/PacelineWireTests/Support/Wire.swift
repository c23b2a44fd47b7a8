import NIOCore
import PacelineWire

/// Shortcuts from messages to bytes and back.
enum Wire {
    /// The frames of messages sent one after another in one phase.
    static func bytes(
        of messages: [Message],
        phase: LinkPhase = RandomMessages.established
    ) throws -> [UInt8] {
        var writer = MessageWriter(phase: phase)
        var buffer = ByteBuffer()
        for message in messages { try writer.write(message, into: &buffer) }
        return Array(buffer.readableBytesView)
    }

    /// The messages and the error that a reader gets from a whole stream.
    static func read(
        _ bytes: [UInt8],
        phase: LinkPhase = RandomMessages.established
    ) -> (messages: [Message], error: WireError?) {
        var reader = MessageReader(phase: phase)
        var messages: [Message] = []
        reader.append(ByteBuffer(bytes: bytes))
        do {
            while let received = try reader.next() { messages.append(received.message) }
            try reader.finish()
            return (messages, nil)
        } catch {
            return (messages, error)
        }
    }

    /// A frame around any payload, with valid checksums.
    static func frame(_ type: MessageType, payload: [UInt8], sequence: UInt64 = 1) -> [UInt8] {
        let frame = Frame(type: type, sequence: sequence, payload: ByteBuffer(bytes: payload))
        return Array(frame.encoded.readableBytesView)
    }

    /// A header with any content and a valid checksum.
    static func header(
        version: UInt16 = 1,
        type: UInt8,
        flags: UInt8 = 0,
        length: UInt32 = 0,
        payloadChecksum: UInt32 = 0,
        sequence: UInt64 = 1
    ) -> [UInt8] {
        var covered = ByteBuffer()
        covered.writeInteger(version, endianness: .little)
        covered.writeMultipleIntegers(type, flags)
        covered.writeMultipleIntegers(length, payloadChecksum, sequence, endianness: .little)
        var header = ByteBuffer(bytes: [0xf7, 0x50, 0x43, 0x4c])
        header.writeInteger(ReferenceCRC32C.checksum(of: Array(covered.readableBytesView)), endianness: .little)
        header.writeBuffer(&covered)
        return Array(header.readableBytesView)
    }
}

/// CRC-32C bit by bit, straight from its polynomial.
enum ReferenceCRC32C {
    static func checksum(of bytes: [UInt8]) -> UInt32 {
        var remainder = UInt32.max
        for byte in bytes {
            remainder ^= UInt32(byte)
            for _ in 0..<8 { remainder = remainder & 1 == 1 ? remainder >> 1 ^ 0x82f6_3b78 : remainder >> 1 }
        }
        return ~remainder
    }
}
