import NIOCore
import PacelineSpeculation
import PacelineWire
import Testing

@Suite("Corruption")
struct CorruptionTests {
    @Test("no message survives a flip of any single bit of its frame", arguments: MessageType.allCases)
    func bitFlips(type: MessageType) throws {
        var messages = RandomMessages(seed: 0x0f11_0000 + UInt64(type.rawValue))
        let phase = RandomMessages.phase(of: type)
        let bytes = try smallFrame(of: type, from: &messages)
        for bit in 0..<bytes.count * 8 {
            var flipped = bytes
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            let (read, error) = Wire.read(flipped, phase: phase)
            #expect(read.isEmpty && error != nil, "bit \(bit) of \(bytes)")
        }
    }

    @Test("a truncated frame yields no message", arguments: MessageType.allCases)
    func truncations(type: MessageType) throws {
        var messages = RandomMessages(seed: 0x7257_0000 + UInt64(type.rawValue))
        let phase = RandomMessages.phase(of: type)
        let bytes = try smallFrame(of: type, from: &messages)
        for length in 1..<bytes.count {
            let (read, error) = Wire.read(Array(bytes[..<length]), phase: phase)
            #expect(read.isEmpty)
            #expect(error == .frame(.truncated(missing: length < 28 ? 28 - length : bytes.count - length)))
        }
    }

    @Test("a damaged stream yields the messages before the damage, then one error, then nothing")
    func damagedStreams() throws {
        var messages = RandomMessages(seed: 0xdead)
        let (sent, stream) = try recordedStream(from: &messages)
        for round in 0..<600 {
            var damaged = stream
            switch round % 3 {
            case 0: damaged.removeLast(Int.random(in: 1..<stream.count, using: &messages.random))
            case 1:
                for _ in 0..<Int.random(in: 1...8, using: &messages.random) {
                    damaged[damaged.indices.randomElement(using: &messages.random)!] ^=
                        1 << UInt8.random(in: 0..<8, using: &messages.random)
                }
            default:
                let start = Int.random(in: 0..<stream.count, using: &messages.random)
                let end = Int.random(in: start..<stream.count, using: &messages.random)
                damaged.removeSubrange(start...end)
            }
            let (read, error) = Wire.read(damaged)
            #expect(read.elementsEqual(sent.prefix(read.count)))
            #expect(error != nil || boundaries(of: sent).contains(damaged.count) || damaged == stream)
        }
    }

    @Test("noise, zeros and text of other protocols are refused")
    func strangers() {
        var random = SplitMix(seed: 4)
        for _ in 0..<500 {
            let noise = (0..<Int.random(in: 1...4096, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            #expect(Wire.read(noise, phase: .handshake).error != nil)
        }
        #expect(Wire.read([UInt8](repeating: 0, count: 1 << 16), phase: .handshake).error != nil)
        let request = "GET /v1/models HTTP/1.1\r\nHost: localhost:7411\r\nAccept: */*\r\n\r\n"
        let read = Wire.read(Array(request.utf8), phase: .handshake)
        #expect(read.error == .frame(.magic(found: Array("G".utf8))))
    }

    @Test("payloads that unpack to many times their size are refused", arguments: [1, 2, 3, 4, 5])
    func bombs(kind: Int) {
        let count = 500_000
        let payload: [UInt8] =
            switch kind {
            case 1: Array(repeatElement([0xfa, 0x01, 0x00], count: count * 2 / 3).joined())
            case 2: Array(repeatElement([0x7a, 0x00], count: count).joined())
            case 3: Array(repeatElement([0x2a, 0x00], count: count).joined())
            // No single allocation exceeds the budget, but their sum does.
            case 4: Array(repeatElement([0xfa, 0x01, 0x01, 0x00], count: count / 2).joined())
            default: Array(repeatElement([0x18, 0x05], count: count).joined())
            }
        let problem: MessageError.Problem = kind == 3 ? .messageTwice(field: "sampling") : .malformed
        let read = Wire.read(Wire.frame(.open, payload: payload))
        #expect(read.error == .message(MessageError(type: .open, problem: problem)))
    }

    private func smallFrame(of type: MessageType, from messages: inout RandomMessages) throws -> [UInt8] {
        let phase = RandomMessages.phase(of: type)
        var bytes: [UInt8]
        repeat {
            bytes = try Wire.bytes(of: [messages.message(type)], phase: phase)
        } while bytes.count > 400
        return bytes
    }

    private func recordedStream(
        from messages: inout RandomMessages
    ) throws -> (sent: [Message], bytes: [UInt8]) {
        let types = MessageType.allCases.filter { RandomMessages.phase(of: $0) != .handshake }
        let sent = (0..<40).map { messages.message(types[$0 % types.count]) }
        return (sent, try Wire.bytes(of: sent))
    }

    /// Stream lengths at which a frame ends: cutting there leaves a valid stream.
    private func boundaries(of sent: [Message]) -> Set<Int> {
        var writer = MessageWriter(phase: RandomMessages.established)
        var buffer = ByteBuffer()
        var ends: Set<Int> = [0]
        for message in sent {
            try? writer.write(message, into: &buffer)
            ends.insert(buffer.readableBytes)
        }
        return ends
    }
}
