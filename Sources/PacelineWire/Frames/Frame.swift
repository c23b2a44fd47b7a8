package import NIOCore

/// A frame with valid checksums of header and payload; the payload is not parsed yet.
package struct Frame: Sendable, Equatable {
    package var type: MessageType
    package var sequence: UInt64
    package var payload: ByteBuffer

    package init(type: MessageType, sequence: UInt64, payload: ByteBuffer) {
        self.type = type
        self.sequence = sequence
        self.payload = payload
    }

    /// The frame's bytes on the wire: header and payload in one buffer.
    ///
    /// For a received frame these are exactly the bytes that arrived; the proofs of the handshake cover them.
    package var encoded: ByteBuffer {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(FrameHeader.byteCount + payload.readableBytes)
        buffer.writeRepeatingByte(0, count: FrameHeader.byteCount)
        buffer.writeImmutableBuffer(payload)
        let header = FrameHeader(
            type: type,
            payloadLength: payload.readableBytes,
            payloadChecksum: CRC32C.checksum(of: payload.readableBytesView),
            sequence: sequence
        )
        header.write(into: &buffer, at: buffer.readerIndex)
        return buffer
    }
}
