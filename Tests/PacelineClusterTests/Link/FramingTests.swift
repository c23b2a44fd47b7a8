import NIOCore
import PacelineSpeculation
import PacelineWire
import Testing

@testable import PacelineCluster

@Suite("Frames on an established link")
struct FramingTests {
    private static let drain = Message.drain(Message.Drain(graceMilliseconds: 5, reason: "test"))

    @Test("arrive the same however the stream was cut")
    func anyCut() throws {
        var reference = LinkPair.established()
        for _ in 0..<3 { reference.handle(.worker, .send(Self.drain)) }
        let bytes = reference.intercept(to: .verifier)
        for cut in 1..<bytes.readableBytes {
            var pair = LinkPair.established()
            var rest = bytes
            while let piece = rest.readSlice(length: min(cut, rest.readableBytes)), piece.readableBytes > 0 {
                pair.handle(.verifier, .received(piece))
            }
            #expect(pair.delivered(.verifier) == [Self.drain, Self.drain, Self.drain], "cut every \(cut) bytes")
        }
    }

    @Test("never survive a flipped bit")
    func anyFlip() throws {
        var reference = LinkPair.established()
        reference.handle(.worker, .send(Self.drain))
        let bytes = Array(reference.intercept(to: .verifier).readableBytesView)
        for bit in 0..<bytes.count * 8 {
            var pair = LinkPair.established()
            var broken = bytes
            broken[bit / 8] ^= 1 << UInt8(bit % 8)
            pair.handle(.verifier, .received(ByteBuffer(bytes: broken)))
            #expect(pair.delivered(.verifier).isEmpty, "bit \(bit)")
            // A length that grew makes the link wait for more, which never comes.
            pair.run(for: .seconds(2), silent: .worker)
            #expect(pair.fault(.verifier) != nil, "bit \(bit)")
        }
    }

    @Test("may not be repeated")
    func duplicate() {
        var pair = LinkPair.established()
        pair.handle(.worker, .send(Self.drain))
        let bytes = pair.intercept(to: .verifier)
        pair.handle(.verifier, .received(bytes))
        pair.handle(.verifier, .received(bytes))
        #expect(pair.delivered(.verifier).count == 1)
        guard case .malformed(.badFrame, _) = pair.fault(.verifier) else {
            Issue.record("\(String(describing: pair.fault(.verifier)))")
            return
        }
    }

    @Test("of the wrong direction end the link")
    func wrongDirection() {
        var pair = LinkPair.established()
        pair.handle(.verifier, .send(.tree(.sample)))
        pair.settle()
        #expect(pair.fault(.worker) != nil && pair.delivered(.worker).isEmpty)
    }
}

extension Message.Tree {
    static let sample = Message.Tree(
        request: 1,
        epoch: 0,
        baseLength: 3,
        baseHash: BaseHash(),
        firstNode: 0,
        nodes: [],
        isFinal: true
    )
}
