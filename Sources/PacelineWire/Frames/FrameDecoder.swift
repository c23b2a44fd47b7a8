package import NIOCore
import PacelineSpeculation

/// Splits a byte stream into frames, and fails at the first byte that breaks the framing.
///
/// The header is checked as soon as it has arrived, before its length is used: no unchecked length makes the decoder
/// allocate or wait. After an error the decoder stays failed; there is no resynchronising.
package struct FrameDecoder: NIOSingleStepByteToMessageDecoder, Sendable {
    package typealias InboundOut = Frame

    /// May be changed between frames.
    package var phase: LinkPhase
    /// Sequence number of the last complete frame; 0 before the first.
    package private(set) var lastSequence: UInt64 = 0
    private var header: FrameHeader?
    private var failure: FrameError?

    package init(phase: LinkPhase) {
        self.phase = phase
    }

    /// - Returns: the next frame, or `nil` if more bytes are needed.
    package mutating func decode(buffer: inout ByteBuffer) throws(FrameError) -> Frame? {
        if let failure { throw failure }
        do {
            return try nextFrame(from: &buffer)
        } catch {
            failure = error
            throw error
        }
    }

    /// - Throws: ``FrameError/truncated(missing:)`` if the stream ended inside a frame.
    package mutating func decodeLast(buffer: inout ByteBuffer, seenEOF: Bool) throws(FrameError) -> Frame? {
        if let frame = try decode(buffer: &buffer) { return frame }
        try checkNothingIsLeft(of: buffer)
        return nil
    }

    /// How many bytes, beyond those in `buffer`, are known to be missing from the next frame.
    package func missingBytes(in buffer: ByteBuffer) -> Int {
        max(0, (header?.payloadLength ?? FrameHeader.byteCount) - buffer.readableBytes)
    }

    /// Checks that a stream ends between two frames.
    package func checkNothingIsLeft(of buffer: ByteBuffer) throws(FrameError) {
        guard header == nil, buffer.readableBytes == 0 else { throw .truncated(missing: missingBytes(in: buffer)) }
    }

    private mutating func nextFrame(from buffer: inout ByteBuffer) throws(FrameError) -> Frame? {
        if header == nil { header = try nextHeader(from: &buffer) }
        guard let header, let payload = buffer.readSlice(length: header.payloadLength) else { return nil }
        self.header = nil
        let checksum = CRC32C.checksum(of: payload.readableBytesView)
        guard checksum == header.payloadChecksum || PlantedBug.payloadChecksumIgnored.isPlanted else {
            throw .payloadChecksum(type: header.type, expected: checksum, found: header.payloadChecksum)
        }
        lastSequence = header.sequence
        return Frame(type: header.type, sequence: header.sequence, payload: payload)
    }

    private func nextHeader(from buffer: inout ByteBuffer) throws(FrameError) -> FrameHeader? {
        guard buffer.readableBytes >= FrameHeader.byteCount else {
            try FrameHeader.checkMagic(in: buffer)
            return nil
        }
        return try FrameHeader(from: &buffer, expecting: lastSequence + 1, in: phase)
    }
}
