import NIOCore
import PacelineSimulation
import PacelineSpeculation
import PacelineWire
import Testing

@testable import PacelineCluster

@Suite("A base that is sent in parts")
struct BaseTransferTests {
    private static func open(_ request: UInt64 = 1, tokens: Int) -> Message {
        let base = (0..<tokens).map { Token($0 % MockText.vocabularySize) }
        return .open(
            Message.Open(
                request: request,
                epoch: 0,
                base: base,
                baseHash: BaseHash(base),
                sampling: .greedy,
                credit: 8,
                limits: DraftLimits(nodes: 8, depth: 4, width: 2),
                lengthLimit: tokens + 10
            )
        )
    }

    private static func configuration(part: Int, window: Int = 1 << 20) -> LinkConfiguration {
        var configuration = LinkConfiguration()
        configuration.basePart = part
        configuration.baseWindow = window
        configuration.messagesPerTurn = 10_000
        return configuration
    }

    /// What the messages say of the base of `request`: the tokens of each part.
    private static func parts(_ messages: [Message], of request: UInt64 = 1) -> [[Token]] {
        messages.compactMap { message in
            switch message {
            case .open(let open) where open.request == request: open.base
            case .base(let base) where base.request == request: base.tokens
            default: nil
            }
        }
    }

    @Test("has parts of the size that was set, each behind the one before", arguments: [1, 3, 4, 11, 12, 1 << 16])
    func cut(part: Int) throws {
        var pair = LinkPair.established(Self.configuration(part: part))
        pair.handle(.verifier, .send(Self.open(tokens: 11)))
        pair.settle()
        let heard = pair.delivered(.worker)
        guard case .open(let open) = heard.first else {
            Issue.record("\(heard)")
            return
        }
        #expect(open.baseLength == 11 && open.baseHash == BaseHash((0..<11).map { Token($0) }))
        let parts = Self.parts(heard)
        #expect(parts.flatMap(\.self) == (0..<11).map { Token($0) })
        #expect(parts.dropLast().allSatisfy { $0.count == min(part, 11) })
        var offset = open.base.count
        for case .base(let base) in heard {
            #expect(base.offset == offset)
            offset += base.tokens.count
        }
        #expect(!pair.verifier.isOpening(1))
    }

    @Test("takes no more room than there is, however long it is, and lets other messages through")
    func window() {
        var configuration = Self.configuration(part: 100, window: 1000)
        configuration.outboundLimit = 2000
        var pair = LinkPair.established(configuration)
        pair.handle(.verifier, .send(Self.open(tokens: 20_000)))
        #expect(pair.fault(.verifier) == nil)
        #expect(pair.verifier.isOpening(1))
        pair.handle(.verifier, .send(.drain(Message.Drain(graceMilliseconds: 5))))
        pair.settle()
        let heard = pair.delivered(.worker)
        #expect(pair.fault(.verifier) == nil && pair.fault(.worker) == nil)
        #expect(Self.parts(heard).count == 200)
        #expect((heard.firstIndex { $0.type == .drain } ?? .max) < 20)
        #expect(!pair.verifier.isOpening(1))
    }

    @Test("is sent behind others that were begun before, so that any number of them fit the link")
    func many() {
        var configuration = Self.configuration(part: 50, window: 500)
        configuration.outboundLimit = 2000
        var pair = LinkPair.established(configuration)
        for request in 1...UInt64(40) { pair.handle(.verifier, .send(Self.open(request, tokens: 300))) }
        pair.settle()
        #expect(pair.fault(.verifier) == nil)
        for request in 1...UInt64(40) {
            #expect(Self.parts(pair.delivered(.worker), of: request).flatMap(\.self).count == 300)
        }
    }

    @Test("ends where either side closes its request", arguments: [LinkPair.End.worker, .verifier])
    func closed(end: LinkPair.End) {
        var pair = LinkPair.established(Self.configuration(part: 10, window: 100))
        pair.handle(.verifier, .send(Self.open(1, tokens: 5000)))
        pair.handle(.verifier, .send(Self.open(2, tokens: 50)))
        pair.handle(end, .send(.close(Message.Close(request: 1, reason: .cancelled))))
        pair.settle()
        #expect(Self.parts(pair.delivered(.worker), of: 1).count < 10)
        #expect(Self.parts(pair.delivered(.worker), of: 2).flatMap(\.self).count == 50)
        #expect(!pair.verifier.isOpening(1))
    }

    @Test("does not stand before a peer of version 1, which gets it whole")
    func versionOne() {
        var pair = LinkPair(
            hello: LinkPair.hello(versions: 1...1),
            configuration: Self.configuration(part: 3)
        )
        pair.connect()
        pair.settle()
        pair.handle(.verifier, .send(Self.open(tokens: 11)))
        pair.settle()
        #expect(pair.verifier.peer?.version == 1)
        #expect(pair.delivered(.worker).count == 1)
        #expect(Self.parts(pair.delivered(.worker)) == [(0..<11).map { Token($0) }])
    }

    @Test("is cut finer where the link's frames are small")
    func smallFrames() throws {
        var pair = LinkPair(configuration: Self.configuration(part: 1 << 18))
        pair.connect()
        pair.settle()
        let peer = try #require(pair.verifier.peer)
        #expect(peer.basePart(limit: 1 << 20) == WireLimits.basePart)
        var small = peer
        small.limits.framePayload = 65_536
        #expect(small.basePart(limit: 1 << 20) == (65_536 - 8192) / 3)
        #expect(small.basePart(limit: 9) == 9)
        #expect(small.baseLimit == WireLimits.baseLength)
        small.version = 1
        #expect(small.baseLimit == (65_536 - 8192) / 3)
    }

    @Test("is not a worker's to send")
    func direction() throws {
        var pair = LinkPair.established()
        let base = Message.base(Message.Base(request: 1, offset: 1, tokens: [1]))
        pair.handle(.worker, .send(base))
        pair.settle()
        #expect(pair.fault(.verifier) == .unexpected(.base, state: "drafting is the sender's part"))
    }
}
