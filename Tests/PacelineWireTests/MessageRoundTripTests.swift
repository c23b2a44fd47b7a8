import NIOCore
import PacelineSpeculation
import PacelineWire
import Testing

@Suite("Messages")
struct MessageRoundTripTests {
    @Test("a message arrives as it was sent", arguments: MessageType.allCases)
    func roundTrip(type: MessageType) throws {
        var messages = RandomMessages(seed: UInt64(type.rawValue))
        for _ in 0..<300 {
            let message = messages.message(type)
            #expect(message.type == type)
            let phase = RandomMessages.phase(of: type)
            let (read, error) = Wire.read(try Wire.bytes(of: [message], phase: phase), phase: phase)
            #expect(error == nil)
            #expect(read == [message])
        }
    }

    @Test("a received frame encodes to exactly the bytes that arrived")
    func frameBytes() throws {
        var messages = RandomMessages(seed: 1)
        for type in MessageType.allCases {
            let phase = RandomMessages.phase(of: type)
            let bytes = try Wire.bytes(of: [messages.message(type)], phase: phase)
            var reader = MessageReader(phase: phase)
            reader.append(ByteBuffer(bytes: bytes))
            let received = try #require(try reader.next())
            #expect(Array(received.frame.encoded.readableBytesView) == bytes)
        }
    }

    @Test("the longest base and the largest tree fit their caps")
    func largest() throws {
        let phase = LinkPhase.established(limits: .maximum, vocabularySize: 1 << 20, version: 2)
        let base = [Token](repeating: (1 << 20) - 1, count: 1 << 18)
        var open = Message.Open(
            request: .max,
            epoch: .max,
            base: base,
            baseHash: BaseHash(base),
            sampling: SamplingParameters(
                logitBias: (0..<1024).map {
                    SamplingParameters.LogitBias(token: Token((1 << 20) - 1024 + $0), bias: 1)
                },
                seed: .max
            ),
            credit: 512,
            limits: DraftLimits(nodes: 512, depth: 32, width: 64),
            lengthLimit: Int(UInt32.max)
        )
        open.constraint = DraftConstraint(
            grammar: String(repeating: "g", count: WireLimits.grammarBytes),
            beginning: .afterThoughts,
            promptLength: base.count
        )
        let tree = Message.Tree(
            request: .max,
            epoch: .max,
            baseLength: 1 << 18,
            baseHash: BaseHash(rawValue: .max),
            firstNode: 0,
            nodes: (0..<512).map {
                TokenTree.Node(parent: nil, token: Token((1 << 20) - 1 - $0), logProbability: -63.9)
            },
            isFinal: true
        )
        let part = Message.Base(request: .max, offset: WireLimits.baseLength - base.count, tokens: base)
        for message in [Message.open(open), .tree(tree), .base(part)] {
            let (read, error) = Wire.read(try Wire.bytes(of: [message], phase: phase), phase: phase)
            #expect(error == nil)
            #expect(read.map(\.type) == [message.type])
        }
    }

    @Test("log-probabilities are rounded to 1/1024 nat and clamped to the end of the scale")
    func surprisals() throws {
        let sent: [Float] = [0, -0.000_1, -0.000_6, -1, -63.998_05, -64, -1e30, -.greatestFiniteMagnitude]
        let expected: [Float] = [0, 0, -1 / 1024, -1, -63.998_047, -65_535 / 1024, -65_535 / 1024, -65_535 / 1024]
        let tree = Message.Tree(
            request: 1,
            epoch: 0,
            baseLength: 1,
            baseHash: BaseHash(),
            firstNode: 0,
            nodes: sent.enumerated().map {
                TokenTree.Node(parent: nil, token: Token($0), logProbability: $1)
            },
            isFinal: false
        )
        let (read, _) = Wire.read(try Wire.bytes(of: [.tree(tree)]))
        guard case .tree(let received) = try #require(read.first) else {
            Issue.record("a tree was sent and \(read) came")
            return
        }
        #expect(received.nodes.map(\.logProbability) == expected)
    }

    @Test("text that is too long is cut between characters")
    func longText() throws {
        let reason = String(repeating: "🚴", count: 200)
        let bytes = try Wire.bytes(of: [.fault(Message.Fault(code: .internal, reason: reason))])
        let expected = Message.Fault(code: .internal, reason: String(repeating: "🚴", count: 128))
        #expect(Wire.read(bytes).messages == [.fault(expected)])
    }

    @Test("an invalid message is not sent, and leaves the buffer and the numbering unchanged")
    func refusedByTheWriter() throws {
        var writer = MessageWriter(phase: RandomMessages.established)
        var buffer = ByteBuffer(string: "before")
        let problem = MessageError(type: .ping, problem: .zero(field: "number"))
        #expect(throws: WireError.message(problem)) {
            try writer.write(.ping(Message.Ping(number: 0, lastReceived: 0)), into: &buffer)
        }
        let hello = RandomMessages(seed: 3).firstHello
        #expect(throws: WireError.frame(.typeNotAllowed(.hello))) { try writer.write(hello, into: &buffer) }
        #expect(buffer == ByteBuffer(string: "before"))
        #expect(writer.lastSequence == 0)
    }

    @Test("unknown codes of a newer peer are read as unspecified")
    func unknownCodes() {
        let fault = Wire.read(Wire.frame(.fault, payload: [0x08, 0x63]))
        #expect(fault.messages == [.fault(Message.Fault(code: .unspecified, reason: ""))])
        let close = Wire.read(Wire.frame(.close, payload: [0x08, 0x01, 0x10, 0x63]))
        #expect(close.messages == [.close(Message.Close(request: 1, reason: .unspecified))])
    }

    @Test("unknown fields of a newer peer are ignored")
    func unknownFields() {
        // number = 1, then field 100 as a varint and field 101 as bytes.
        let payload: [UInt8] = [0x08, 0x01, 0xa0, 0x06, 0x05, 0xaa, 0x06, 0x02, 0xff, 0x00]
        let read = Wire.read(Wire.frame(.ping, payload: payload))
        #expect(read.messages == [.ping(Message.Ping(number: 1, lastReceived: 0))])
    }
}

extension RandomMessages {
    fileprivate var firstHello: Message {
        var messages = self
        return messages.message(.hello)
    }
}
