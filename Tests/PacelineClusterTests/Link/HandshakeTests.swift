import NIOCore
import PacelineCluster
import PacelineSimulation
import PacelineWire
import Testing

@Suite("A handshake")
struct HandshakeTests {
    @Test("establishes both ends, each knowing the other")
    func succeeds() {
        let pair = LinkPair.established()
        #expect(pair.worker.peer?.incarnation == 1)
        #expect(pair.worker.peer?.vocabularySize == MockText.vocabularySize)
        #expect(pair.verifier.peer?.incarnation == 2)
        #expect(pair.verifier.peer?.slots == 4)
    }

    @Test(
        "chooses the newest version that both sides speak",
        arguments: [(1...3, 2...5, 3), (1...1, 1...2, 1), (2...4, 1...2, 2)]
    )
    func version(worker: ClosedRange<Int>, verifier: ClosedRange<Int>, chosen: Int) {
        var pair = LinkPair(hello: LinkPair.hello(versions: worker), versions: verifier)
        pair.connect()
        pair.settle()
        #expect(pair.worker.peer?.version == chosen)
        #expect(pair.verifier.peer?.version == chosen)
    }

    @Test("refuses a peer without a common version, and says which versions there are")
    func noCommonVersion() {
        var pair = LinkPair(hello: LinkPair.hello(versions: 7...9))
        pair.connect()
        pair.settle()
        #expect(pair.fault(.verifier) == .noCommonVersion(ours: WireLimits.protocolVersions, theirs: 7...9))
        guard case .reported(.version, let reason) = pair.fault(.worker) else {
            Issue.record("the worker was not told: \(String(describing: pair.fault(.worker)))")
            return
        }
        #expect(reason.contains("7 to 9"))
    }

    @Test("refuses a drafter with another tokenizer, naming both models")
    func otherModel() {
        let other = MockText.fingerprint(of: "stranger", hash: 8)
        var pair = LinkPair(hello: LinkPair.hello(other))
        pair.connect()
        pair.settle()
        #expect(pair.fault(.verifier) == .otherModel(target: LinkPair.fingerprint, drafter: other))
        #expect(pair.fault(.worker)?.description.contains("target") == true)
        #expect(pair.fault(.worker)?.description.contains("stranger") == true)
        #expect(pair.fault(.worker)?.isPermanent == true)
    }

    @Test("refuses a drafter with another vocabulary size, naming both sizes")
    func otherVocabulary() {
        let other = MockText.fingerprint(of: "smaller", vocabularySize: 99)
        var pair = LinkPair(hello: LinkPair.hello(other))
        pair.connect()
        pair.settle()
        #expect(pair.fault(.worker)?.description.contains("99") == true)
    }

    @Test("lets in a drafter whose vocabulary is padded otherwise, in version 2, and bounds ids by the tokens of both")
    func padded() {
        var other = MockText.fingerprint(of: "padded", vocabularySize: MockText.vocabularySize + 128)
        other.tokenizerHash = [UInt8](repeating: 9, count: 32)
        other.tokens?.count = MockText.vocabularySize
        var pair = LinkPair(hello: LinkPair.hello(other))
        pair.connect()
        pair.settle()
        #expect(pair.verifier.peer?.version == 2)
        #expect(pair.verifier.peer?.vocabularySize == MockText.vocabularySize)
        #expect(pair.worker.peer?.vocabularySize == MockText.vocabularySize)
        // Version 1 cannot tell.
        var old = LinkPair(hello: LinkPair.hello(other, versions: 1...1))
        old.connect()
        old.settle()
        #expect(old.fault(.verifier) == .otherModel(target: LinkPair.fingerprint, drafter: other))
    }

    @Test("bounds ids by the whole vocabulary in version 1, and by its tokens in version 2", arguments: [1, 2])
    func bound(version: Int) {
        var target = MockText.fingerprint(of: "target", tokenCount: 1000)
        target.model = "target"
        var pair = LinkPair(hello: LinkPair.hello(target, versions: 1...version), target: target)
        pair.connect()
        pair.settle()
        let expected = version == 1 ? MockText.vocabularySize : 1000
        #expect(pair.worker.peer?.vocabularySize == expected)
        #expect(pair.verifier.peer?.vocabularySize == expected)
    }

    @Test("compares what version 1 compares with a peer that speaks nothing newer")
    func oldPeer() {
        var old = LinkPair.fingerprint
        old.tokens = nil
        var pair = LinkPair(hello: LinkPair.hello(old, versions: 1...1))
        pair.connect()
        pair.settle()
        #expect(pair.verifier.peer?.version == 1)
        var oldVerifier = LinkPair(versions: 1...1, target: old)
        oldVerifier.connect()
        oldVerifier.settle()
        #expect(oldVerifier.worker.peer?.version == 1)
        #expect(oldVerifier.worker.peer?.vocabularySize == MockText.vocabularySize)
        old.tokenizerHash[0] ^= 1
        var stranger = LinkPair(hello: LinkPair.hello(old, versions: 1...1))
        stranger.connect()
        stranger.settle()
        #expect(stranger.fault(.verifier) == .otherModel(target: LinkPair.fingerprint, drafter: old))
    }

    @Test("lets in a drafter without a model")
    func modelFree() {
        var pair = LinkPair(hello: LinkPair.hello(nil))
        pair.connect()
        pair.settle()
        #expect(pair.verifier.peer != nil)
    }

    @Test("is given up after two seconds, on either side", arguments: [LinkPair.End.worker, .verifier])
    func timesOut(end: LinkPair.End) {
        var pair = LinkPair()
        pair.connect(end)
        let machine = end == .worker ? pair.worker : pair.verifier
        #expect(machine.deadline == .zero + .seconds(2))
        pair.now = .zero + .seconds(2)
        pair.handle(end, .timer)
        #expect(pair.fault(end) == .handshakeTimedOut(after: .seconds(2)))
    }

    @Test(
        "lets nothing else come before it",
        arguments: [
            Message.ping(Message.Ping(number: 1, lastReceived: 0)),
            .drain(Message.Drain(graceMilliseconds: 0)),
        ]
    )
    func nothingBefore(message: Message) {
        var pair = LinkPair()
        pair.connect(.verifier)
        var writer = MessageWriter(phase: .established(limits: .maximum, vocabularySize: 100, version: 2))
        var bytes = ByteBuffer()
        #expect(throws: Never.self) { try writer.write(message, into: &bytes) }
        pair.handle(.verifier, .received(bytes))
        guard case .malformed(.unexpected, _) = pair.fault(.verifier) else {
            Issue.record("\(String(describing: pair.fault(.verifier)))")
            return
        }
    }

    @Test(
        "ends at the first byte that a stranger says",
        arguments: ["GET / HTTP/1.1\r\n", "\u{16}\u{3}\u{1}", "SSH-2.0"]
    )
    func strangers(talk: String) {
        var pair = LinkPair()
        pair.connect(.verifier)
        pair.handle(.verifier, .received(ByteBuffer(string: String(talk.prefix(1)))))
        guard case .malformed(.badFrame, _) = pair.fault(.verifier) else {
            Issue.record("\(String(describing: pair.fault(.verifier)))")
            return
        }
    }

    @Test("does not let a second one follow")
    func onlyOnce() {
        var pair = LinkPair.established()
        var again = LinkPair()
        again.connect()
        pair.handle(.verifier, .received(again.intercept(to: .verifier)))
        #expect(pair.fault(.verifier) != nil)
    }
}
