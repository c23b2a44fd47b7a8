import NIOCore
import NIOTestUtils
import PacelineWire
import Testing

@Suite("Frame decoder")
struct FrameDecoderTests {
    @Test("frames do not depend on how the bytes are split")
    func verifier() throws {
        // NIO's verifier shuffles its inputs, so its frames cannot be numbered. This test uses a numbered stream.
        var frames: [Frame] = []
        var stream = ByteBuffer()
        for sequence in 1...20 {
            let payload = ByteBuffer(bytes: (0..<sequence * 3 - 3).map { UInt8($0) })
            frames.append(Frame(type: .ping, sequence: UInt64(sequence), payload: payload))
            stream.writeImmutableBuffer(frames[sequence - 1].encoded)
        }
        for cut in 0..<stream.readableBytes {
            var decoder = FrameDecoder(phase: RandomMessages.established)
            #expect(try decode([cut, stream.readableBytes - cut], of: stream, with: &decoder) == frames)
        }
        var decoder = FrameDecoder(phase: RandomMessages.established)
        #expect(try decode(Array(repeating: 1, count: stream.readableBytes), of: stream, with: &decoder) == frames)
    }

    @Test("the decoder keeps the contract of a NIO byte-to-message decoder")
    func nioContract() throws {
        let frame = Frame(type: .ping, sequence: 1, payload: ByteBuffer(bytes: [8, 1]))
        try ByteToMessageDecoderVerifier.verifyDecoder(inputOutputPairs: [(frame.encoded, [frame])]) {
            RestartingDecoder()
        }
    }

    @Test("a stream may end between frames but nowhere else")
    func ends() throws {
        let frame = Frame(type: .close, sequence: 1, payload: ByteBuffer(bytes: [8, 1, 16, 1])).encoded
        for length in 1..<frame.readableBytes {
            var decoder = FrameDecoder(phase: RandomMessages.established)
            var cut = try #require(frame.getSlice(at: frame.readerIndex, length: length))
            #expect(try decoder.decode(buffer: &cut) == nil)
            let missing = length < 28 ? 28 - length : frame.readableBytes - length
            #expect(throws: FrameError.truncated(missing: missing)) {
                try decoder.decodeLast(buffer: &cut, seenEOF: true)
            }
        }
        var decoder = FrameDecoder(phase: RandomMessages.established)
        var whole = frame
        #expect(try decoder.decodeLast(buffer: &whole, seenEOF: true) != nil)
        #expect(try decoder.decodeLast(buffer: &whole, seenEOF: true) == nil)
    }

    @Test("after an error no frame comes, whatever follows")
    func staysFailed() throws {
        var decoder = FrameDecoder(phase: RandomMessages.established)
        var bad = ByteBuffer(string: "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(throws: FrameError.magic(found: Array("G".utf8))) { try decoder.decode(buffer: &bad) }
        var good = Frame(type: .ping, sequence: 1, payload: ByteBuffer(bytes: [8, 1])).encoded
        #expect(throws: FrameError.magic(found: Array("G".utf8))) { try decoder.decode(buffer: &good) }
    }

    private func decode(
        _ lengths: [Int],
        of stream: ByteBuffer,
        with decoder: inout FrameDecoder
    ) throws -> [Frame] {
        var rest = stream
        var buffer = ByteBuffer()
        var frames: [Frame] = []
        for length in lengths {
            let chunk = rest.readSlice(length: length)
            buffer.writeImmutableBuffer(try #require(chunk))
            while let frame = try decoder.decode(buffer: &buffer) { frames.append(frame) }
        }
        try decoder.checkNothingIsLeft(of: buffer)
        return frames
    }
}

/// NIO's verifier repeats the same input many times, so numbering restarts after every frame.
private struct RestartingDecoder: NIOSingleStepByteToMessageDecoder {
    typealias InboundOut = Frame

    private var decoder = FrameDecoder(phase: RandomMessages.established)

    mutating func decode(buffer: inout ByteBuffer) throws -> Frame? {
        guard let frame = try decoder.decode(buffer: &buffer) else { return nil }
        decoder = FrameDecoder(phase: RandomMessages.established)
        return frame
    }

    mutating func decodeLast(buffer: inout ByteBuffer, seenEOF: Bool) throws -> Frame? {
        guard buffer.readableBytes > 0 else { return nil }
        return try decode(buffer: &buffer)
    }
}
