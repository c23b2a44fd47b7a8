import CPacelineProtocol
package import NIOCore

/// Writes messages as numbered frames.
package struct MessageWriter: Sendable {
    /// The phase of the connection from the peer's point of view; may be changed between messages.
    package var phase: LinkPhase
    /// Sequence number of the last frame written; 0 before the first.
    package private(set) var lastSequence: UInt64 = 0

    /// Bytes of a frame that most messages fit.
    private static let usualFrame = 256

    package init(phase: LinkPhase) {
        self.phase = phase
    }

    /// Appends one frame, header and payload, to `buffer`.
    ///
    /// Truncates text that is too long; everything else must be within its limits.
    ///
    /// - Throws: ``WireError`` if the message is invalid or not allowed in this phase. `buffer` and the sequence number
    ///   are then unchanged.
    package mutating func write(_ message: Message, into buffer: inout ByteBuffer) throws(WireError) {
        let start = buffer.writerIndex
        // Room for nearly every message, so that the payload does not have to move the header.
        buffer.reserveCapacity(minimumWritableBytes: Self.usualFrame)
        buffer.writeRepeatingByte(0, count: FrameHeader.byteCount)
        do {
            let length = try writePayload(of: message, into: &buffer)
            try finishFrame(of: message.type, at: start, payloadLength: length, in: &buffer)
        } catch {
            buffer.moveWriterIndex(to: start)
            throw error
        }
    }

    private mutating func finishFrame(
        of type: MessageType,
        at start: Int,
        payloadLength: Int,
        in buffer: inout ByteBuffer
    ) throws(WireError) {
        guard let cap = phase.payloadCap(of: type) else { throw .frame(.typeNotAllowed(type)) }
        let payload = buffer.viewBytes(at: start + FrameHeader.byteCount, length: payloadLength)
        guard let payload, payloadLength <= cap else {
            throw .frame(.payloadTooLong(type: type, length: UInt32(clamping: payloadLength), cap: cap))
        }
        lastSequence += 1
        let header = FrameHeader(
            type: type,
            payloadLength: payloadLength,
            payloadChecksum: CRC32C.checksum(of: payload),
            sequence: lastSequence
        )
        header.write(into: &buffer, at: start)
    }

    private func writePayload(of message: Message, into buffer: inout ByteBuffer) throws(WireError) -> Int {
        switch message {
        case .hello(let value): try write(value, into: &buffer)
        case .challenge(let value): try write(value, into: &buffer)
        case .authenticate(let value): try write(value, into: &buffer)
        case .welcome(let value): try write(value, into: &buffer)
        case .open(let value): try write(value, into: &buffer)
        case .base(let value): try write(value, into: &buffer)
        case .tree(let value): try write(value, into: &buffer)
        case .verifying(let value): try write(value, into: &buffer)
        case .verdict(let value): try write(value, into: &buffer)
        case .features(let value): try write(value, into: &buffer)
        case .close(let value): try write(value, into: &buffer)
        case .ping(let value): try write(value, into: &buffer)
        case .pong(let value): try write(value, into: &buffer)
        case .drain(let value): try write(value, into: &buffer)
        case .fault(let value): try write(value, into: &buffer)
        }
    }

    private func write<Value: Payload>(_ value: Value, into buffer: inout ByteBuffer) throws(WireError) -> Int {
        do {
            try value.check(in: phase)
        } catch {
            throw .message(MessageError(type: Value.type, problem: error))
        }
        let arena = PackArena()
        return withExtendedLifetime(arena) {
            value.structure(in: arena).withMessage { message in
                let size = protobuf_c_message_get_packed_size(message)
                return buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { bytes in
                    protobuf_c_message_pack(message, bytes.bindMemory(to: UInt8.self).baseAddress)
                }
            }
        }
    }
}
