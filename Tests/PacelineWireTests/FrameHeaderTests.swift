import NIOCore
import PacelineWire
import Testing

@Suite("Frame header")
struct FrameHeaderTests {
    @Test("the reference checksum gives the vectors of RFC 3720, appendix B.4")
    func referenceChecksum() {
        #expect(ReferenceCRC32C.checksum(of: [UInt8](repeating: 0, count: 32)) == 0x8a91_36aa)
        #expect(ReferenceCRC32C.checksum(of: [UInt8](repeating: 0xff, count: 32)) == 0x62a8_ab43)
        #expect(ReferenceCRC32C.checksum(of: Array(0...31)) == 0x46dd_794e)
    }

    @Test("every byte is where the specification puts it")
    func layout() {
        let payload: [UInt8] = [8, 7]
        let bytes = Wire.frame(.ping, payload: payload, sequence: 0x0102_0304_0506_0708)
        #expect(Array(bytes[0..<4]) == [0xf7, 0x50, 0x43, 0x4c])
        #expect(Array(bytes[4..<8]) == littleEndian(ReferenceCRC32C.checksum(of: Array(bytes[8..<28]))))
        #expect(Array(bytes[8..<10]) == [1, 0])
        #expect(bytes[10] == 0x20)
        #expect(bytes[11] == 0)
        #expect(Array(bytes[12..<16]) == [2, 0, 0, 0])
        #expect(Array(bytes[16..<20]) == littleEndian(ReferenceCRC32C.checksum(of: payload)))
        #expect(Array(bytes[20..<28]) == [8, 7, 6, 5, 4, 3, 2, 1])
        #expect(Array(bytes[28...]) == payload)
    }

    @Test("the first byte of a stranger is enough to refuse it", arguments: ["G", "POST /", "\u{16}\u{3}\u{1}", "\0"])
    func strangers(text: String) {
        let found = Array(text.utf8.prefix(1))
        #expect(Wire.read(Array(text.utf8)).error == .frame(.magic(found: found)))
    }

    @Test("a header with one invalid field is refused, naming what was expected and what came")
    func fields() {
        let ping = MessageType.ping.rawValue
        let cases: [([UInt8], FrameError)] = [
            (Wire.header(version: 2, type: ping), .version(expected: 1, found: 2)),
            (Wire.header(version: 0, type: ping), .version(expected: 1, found: 0)),
            (Wire.header(type: 0), .unknownType(0)),
            (Wire.header(type: 0x7f), .unknownType(0x7f)),
            (Wire.header(type: ping, flags: 1), .flags(1)),
            (Wire.header(type: ping, sequence: 2), .sequence(expected: 1, found: 2)),
            (Wire.header(type: ping, sequence: 0), .sequence(expected: 1, found: 0)),
        ]
        for (bytes, error) in cases {
            #expect(Wire.read(bytes).error == .frame(error))
        }
    }

    @Test("a frame that comes twice, or after a gap, is refused")
    func sequences() throws {
        let ping = Message.ping(Message.Ping(number: 1, lastReceived: 0))
        let frames = try Wire.bytes(of: [ping, ping, ping])
        let size = frames.count / 3
        let (first, second, third) = (frames[..<size], frames[size..<2 * size], frames[(2 * size)...])

        let repeated = Wire.read(Array(first + first))
        #expect(repeated.messages == [ping])
        #expect(repeated.error == .frame(.sequence(expected: 2, found: 1)))
        #expect(Wire.read(Array(first + third)).error == .frame(.sequence(expected: 2, found: 3)))
        #expect(Wire.read(Array(first + second + third)).messages.count == 3)
    }

    @Test("the announced length is capped as soon as the header has come, before and after the handshake")
    func caps() {
        let caps: [(LinkPhase, MessageType, Int)] = [
            (.handshake, .hello, 4096),
            (.handshake, .welcome, 4096),
            (.handshake, .fault, 4096),
            (RandomMessages.established, .tree, 65_536),
            (RandomMessages.established, .open, 1_048_576),
            (RandomMessages.established, .features, 1_048_576),
            (RandomMessages.established, .verdict, 16_384),
            (RandomMessages.established, .fault, 4096),
        ]
        for (phase, type, cap) in caps {
            for length in [UInt32(cap + 1), 0x7fff_ffff, 0x8000_0000, .max] {
                let header = Wire.header(type: type.rawValue, length: length)
                let error = FrameError.payloadTooLong(type: type, length: length, cap: cap)
                #expect(Wire.read(header, phase: phase).error == .frame(error))
            }
            let header = Wire.header(type: type.rawValue, length: UInt32(cap))
            #expect(Wire.read(header, phase: phase).error == .frame(.truncated(missing: cap)))
        }
    }

    @Test("limits agreed in the handshake lower the caps")
    func agreedCaps() {
        let limits = LinkLimits(framePayload: 65_536, treePayload: 4096, treeNodes: 64, treeDepth: 8, requests: 1)
        let phase = LinkPhase.established(
            limits: limits,
            vocabularySize: 100,
            version: 2,
            features: RandomMessages.demand
        )
        for (type, cap) in [(MessageType.open, 65_536), (.features, 65_536), (.tree, 4096)] {
            let header = Wire.header(type: type.rawValue, length: UInt32(cap + 1))
            let error = FrameError.payloadTooLong(type: type, length: UInt32(cap + 1), cap: cap)
            #expect(Wire.read(header, phase: phase).error == .frame(error))
        }
    }

    @Test("other messages wait for the handshake, and the handshake happens once")
    func phases() {
        let handshake: Set<MessageType> = [.hello, .challenge, .authenticate, .welcome]
        for type in MessageType.allCases where type != .fault {
            let wrong = handshake.contains(type) ? RandomMessages.established : .handshake
            let frame = Wire.header(type: type.rawValue)
            #expect(Wire.read(frame, phase: wrong).error == .frame(.typeNotAllowed(type)))
        }
    }

    private func littleEndian(_ word: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
    }
}
