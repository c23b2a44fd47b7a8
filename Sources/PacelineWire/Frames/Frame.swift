package import NIOCore

/// A frame whose header and payload checksums hold; its payload is not yet parsed.
package struct Frame: Sendable, Equatable {
    package var type: MessageType
    package var sequence: UInt64
    package var payload: ByteBuffer

    package init(type: MessageType, sequence: UInt64, payload: ByteBuffer) {
        self.type = type
        self.sequence = sequence
        self.payload = payload
    }

    /// The frame as it travels: header and payload in one buffer.
    ///
    /// A frame that came in gives back exactly the bytes that came; the handshake's proofs are made over them.
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
