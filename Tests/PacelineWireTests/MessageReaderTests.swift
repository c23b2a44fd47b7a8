import NIOCore
import PacelineWire
import Testing

@Suite("Message reader")
struct MessageReaderTests {
    @Test("messages do not depend on how the bytes arrive")
    func chunks() throws {
        var messages = RandomMessages(seed: 11)
        let types = MessageType.allCases.filter { RandomMessages.phase(of: $0) != .handshake }
        let sent = (0..<60).map { messages.message(types[$0 % types.count]) }
        let stream = ByteBuffer(bytes: try Wire.bytes(of: sent))
        for largest in [1, 2, 27, 28, 29, 1000, stream.readableBytes] {
            var reader = MessageReader(phase: RandomMessages.established)
            var rest = stream
            var read: [Message] = []
            while rest.readableBytes > 0 {
                let length = min(Int.random(in: 1...largest, using: &messages.random), rest.readableBytes)
                let chunk = rest.readSlice(length: length)
                reader.append(try #require(chunk))
                while let received = try reader.next() { read.append(received.message) }
            }
            try reader.finish()
            #expect(read == sent)
            #expect(reader.lastSequence == 60)
        }
    }

    @Test("an owner may stop after some messages and continue later")
    func budget() throws {
        let pings = (1...1000).map { Message.ping(Message.Ping(number: $0, lastReceived: 0)) }
        var reader = MessageReader(phase: RandomMessages.established)
        reader.append(ByteBuffer(bytes: try Wire.bytes(of: pings)))
        for number in 1...10 {
            #expect(try reader.next()?.message == pings[number - 1])
        }
        var count = 10
        while try reader.next() != nil { count += 1 }
        #expect(count == 1000)
    }

    @Test("the phase may change between two messages of one read")
    func phaseChange() throws {
        var messages = RandomMessages(seed: 12)
        var writer = MessageWriter(phase: .handshake)
        var bytes = ByteBuffer()
        try writer.write(messages.message(.hello), into: &bytes)
        writer.phase = RandomMessages.established
        try writer.write(messages.message(.tree), into: &bytes)

        var reader = MessageReader(phase: .handshake)
        reader.append(bytes)
        #expect(try reader.next()?.message.type == .hello)
        reader.phase = RandomMessages.established
        #expect(try reader.next()?.message.type == .tree)

        var strict = MessageReader(phase: .handshake)
        strict.append(bytes)
        #expect(try strict.next()?.message.type == .hello)
        #expect(throws: WireError.frame(.typeNotAllowed(.tree))) { try strict.next() }
    }

    @Test("an error is final")
    func finality() throws {
        var reader = MessageReader(phase: RandomMessages.established)
        reader.append(ByteBuffer(bytes: Wire.frame(.ping, payload: [])))
        let expected = WireError.message(MessageError(type: .ping, problem: .zero(field: "number")))
        #expect(throws: expected) { try reader.next() }
        reader.append(ByteBuffer(bytes: Wire.frame(.ping, payload: [8, 1], sequence: 2)))
        #expect(throws: expected) { try reader.next() }
        #expect(throws: expected) { try reader.finish() }
    }

    @Test("the fault code names the kind of the peer's mistake")
    func faultCodes() {
        #expect(WireError.frame(.flags(1)).faultCode == .badFrame)
        #expect(WireError.frame(.typeNotAllowed(.open)).faultCode == .unexpected)
        #expect(WireError.message(MessageError(type: .open, problem: .malformed)).faultCode == .badMessage)
    }
}
