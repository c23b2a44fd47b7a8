import NIOCore
import PacelineSpeculation
import PacelineWire
import Testing

@testable import PacelineCluster

@Suite("Back-pressure of a link")
struct BackPressureTests {
    private static func verdict(_ tokens: Int = 33) -> Message {
        .verdict(
            Message.Verdict(
                request: 1,
                epoch: 1,
                baseLength: 40,
                baseHash: BaseHash(),
                tokens: [Token](repeating: 1, count: tokens),
                verifiedNodes: 0,
                acceptedNodes: 0,
                credit: 1
            )
        )
    }

    @Test("closes the link of a peer that takes no bytes for two seconds")
    func stalledWrites() {
        var configuration = LinkConfiguration()
        configuration.deadAfter = .seconds(60)
        var pair = LinkPair.established(configuration)
        pair.handle(.verifier, .send(Self.verdict()))
        let stalledAt = pair.now
        // The worker still talks, so it is not silent; it only does not read.
        while pair.fault(.verifier) == nil, pair.now < stalledAt + .seconds(5) {
            pair.now = pair.now + .milliseconds(100)
            pair.handle(.worker, .timer)
            pair.handle(.verifier, .received(pair.intercept(to: .verifier)))
            pair.handle(.verifier, .timer)
        }
        #expect(pair.fault(.verifier) == .writeStalled(for: .seconds(2)))
    }

    @Test("closes the link of a peer for which too many bytes wait")
    func overflow() {
        var configuration = LinkConfiguration()
        configuration.outboundLimit = 1000
        var pair = LinkPair.established(configuration)
        for _ in 0..<100 {
            pair.handle(.verifier, .send(Self.verdict()))
        }
        guard case .outboundOverflow(let bytes, 1000) = pair.fault(.verifier) else {
            Issue.record("\(String(describing: pair.fault(.verifier)))")
            return
        }
        #expect(bytes > 1000 && bytes < 1200)
    }

    @Test("lets any number of bytes through a peer that takes them")
    func flowing() {
        var configuration = LinkConfiguration()
        configuration.outboundLimit = 1000
        var pair = LinkPair.established(configuration)
        for _ in 0..<1000 {
            pair.handle(.verifier, .send(Self.verdict()))
            pair.settle()
        }
        #expect(pair.fault(.verifier) == nil)
        #expect(pair.delivered(.worker).count == 1000)
    }

    @Test("sends nothing once the link is closed")
    func afterClose() {
        var pair = LinkPair.established()
        pair.handle(.verifier, .abort(.shutdown))
        #expect(pair.verifier.handle(.send(Self.verdict()), now: pair.now).isEmpty)
        #expect(pair.verifier.handle(.timer, now: pair.now + .seconds(9)).isEmpty)
        #expect(pair.verifier.deadline == nil)
    }
}
