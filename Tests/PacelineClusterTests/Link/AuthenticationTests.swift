import NIOCore
import PacelineWire
import Testing

@testable import PacelineCluster

@Suite("Authentication by a shared token")
struct AuthenticationTests {
    static let secret = "a secret that both sides have"
    static let other = "a secret that only one side has"

    private static func pair(worker: String? = secret, verifier: String? = secret, seed: UInt64 = 1) -> LinkPair {
        LinkPair(tokens: (worker, verifier), nonceSeed: seed)
    }

    /// Passes frames on one at a time, each through `tamper`, until nothing is left.
    private static func settle(_ pair: inout LinkPair, tamper: (Frame) throws -> Frame?) throws {
        for _ in 0..<10 {
            for end in [LinkPair.End.verifier, .worker] {
                for frame in try WireTap.frames(in: pair.intercept(to: end)) {
                    if let passed = try tamper(frame) { pair.handle(end, .received(passed.encoded)) }
                }
            }
        }
    }

    @Test("lets both sides in that have the same token")
    func succeeds() {
        var pair = Self.pair()
        pair.connect()
        pair.settle()
        #expect(pair.worker.peer?.incarnation == 1)
        #expect(pair.verifier.peer?.incarnation == 2)
    }

    @Test("tells the worker nothing about the verifier before it has proven itself")
    func revealsNothing() throws {
        var pair = Self.pair(worker: Self.other)
        pair.connect()
        var types: [MessageType] = []
        var said = ""
        try Self.settle(&pair) { frame in
            types.append(frame.type)
            if frame.type != .hello { said += String(decoding: frame.payload.readableBytesView, as: UTF8.self) }
            return frame
        }
        #expect(types == [.hello, .challenge, .authenticate, .fault])
        #expect(!said.contains(LinkPair.fingerprint.model))
    }

    /// Who has which token, what the side that notices holds, and words of what the other one is told.
    struct Mismatch: Sendable, CustomTestStringConvertible {
        var worker: String?
        var verifier: String?
        var failure: AuthenticationFailure
        var told: String

        var testDescription: String { "\(failure)" }
    }

    @Test(
        "refuses a worker whose token is missing, wrong or unwanted, and tells both sides why",
        arguments: [
            Mismatch(worker: other, verifier: secret, failure: .workerProofWrong, told: "token is not the verifier's"),
            Mismatch(worker: nil, verifier: secret, failure: .workerHasNoToken, told: "the worker has none"),
            Mismatch(worker: secret, verifier: nil, failure: .verifierHasNoToken, told: "the verifier has none"),
        ]
    )
    func mismatch(_ mismatch: Mismatch) {
        var pair = Self.pair(worker: mismatch.worker, verifier: mismatch.verifier)
        pair.connect()
        pair.settle()
        #expect(pair.fault(.verifier) == .authenticationFailed(mismatch.failure))
        #expect(pair.fault(.verifier)?.isPermanent == true)
        guard case .reported(.authentication, let reason) = pair.fault(.worker) else {
            Issue.record("the worker was told \(String(describing: pair.fault(.worker)))")
            return
        }
        #expect(reason.contains(mismatch.told), "\(reason)")
        #expect(pair.fault(.worker)?.isPermanent == true)
    }

    @Test("is asked for before a word of what follows is read", arguments: MessageType.allCases)
    func nothingElse(type: MessageType) throws {
        guard type != .authenticate else { return }
        var pair = Self.pair()
        pair.connect()
        _ = pair.deliver(to: .verifier)
        let empty = Frame(type: type, sequence: 2, payload: ByteBuffer())
        pair.handle(.verifier, .received(empty.encoded))
        #expect(pair.fault(.verifier) != nil && pair.verifier.peer == nil)
        #expect(pair.delivered(.verifier) == [])
    }

    @Test("cannot be passed over by repeating the hello")
    func secondHello() throws {
        var pair = Self.pair()
        pair.connect()
        _ = pair.deliver(to: .verifier)
        pair.handle(.verifier, .received(try WireTap.frame(.hello(LinkPair.hello()), sequence: 2)))
        #expect(pair.fault(.verifier) == .unexpected(.hello, state: "an authenticate was due"))
    }

    @Test("cannot be replayed: what let a worker in once lets nobody in again")
    func replay() throws {
        var first = Self.pair(seed: 1)
        first.connect()
        var recorded: [ByteBuffer] = []
        try Self.settle(&first) { frame in
            if [.hello, .authenticate].contains(frame.type) { recorded.append(frame.encoded) }
            return frame
        }
        #expect(first.verifier.peer != nil && recorded.count == 2)
        for seed in 2...20 as ClosedRange<UInt64> {
            var second = Self.pair(seed: seed)
            second.connect(.verifier)
            for frame in recorded { second.handle(.verifier, .received(frame)) }
            #expect(second.fault(.verifier) == .authenticationFailed(.workerProofWrong))
            #expect(second.verifier.peer == nil)
        }
    }

    @Test("cannot be reflected: a side's own proof does not prove the other")
    func reflection() throws {
        var pair = Self.pair(verifier: nil)
        pair.connect(.worker)
        _ = pair.intercept(to: .verifier)
        let challenge = Message.challenge(Message.Challenge(version: 1, nonce: [UInt8](repeating: 9, count: 32)))
        pair.handle(.worker, .received(try WireTap.frame(challenge)))
        let answer = try #require(try WireTap.frames(in: pair.intercept(to: .verifier)).first)
        guard case .authenticate(let mine) = try WireTap.message(in: answer) else {
            Issue.record("the worker answered with \(answer.type)")
            return
        }
        let welcome = Self.welcome(proof: mine.proof)
        pair.handle(.worker, .received(try WireTap.frame(.welcome(welcome), sequence: 2)))
        #expect(pair.fault(.worker) == .authenticationFailed(.verifierProofWrong))
    }

    @Test(
        "is demanded by a worker, whatever a verifier says that does not have the token",
        arguments: [[], [UInt8](repeating: 0, count: 32), [UInt8](repeating: 0xff, count: 32)]
    )
    func impostor(proof: [UInt8]) throws {
        let welcome = Message.welcome(Self.welcome(proof: proof))
        var skipping = Self.pair()
        skipping.connect(.worker)
        skipping.handle(.worker, .received(try WireTap.frame(welcome)))
        #expect(skipping.fault(.worker) == .authenticationFailed(.challengeSkipped))
        var asking = Self.pair()
        asking.connect(.worker)
        let challenge = Message.challenge(Message.Challenge(version: 1, nonce: [UInt8](repeating: 9, count: 32)))
        asking.handle(.worker, .received(try WireTap.frame(challenge)))
        asking.handle(.worker, .received(try WireTap.frame(welcome, sequence: 2)))
        #expect(asking.fault(.worker) == .authenticationFailed(.verifierProofWrong))
        #expect(skipping.worker.peer == nil && asking.worker.peer == nil)
    }

    @Test("is not asked of a worker twice, nor of one that has no token")
    func challenges() throws {
        let challenge = Message.challenge(Message.Challenge(version: 1, nonce: [UInt8](repeating: 9, count: 32)))
        var pair = Self.pair()
        pair.connect(.worker)
        pair.handle(.worker, .received(try WireTap.frame(challenge)))
        pair.handle(.worker, .received(try WireTap.frame(challenge, sequence: 2)))
        #expect(pair.fault(.worker) == .unexpected(.challenge, state: "a welcome was due"))
        var without = Self.pair(worker: nil)
        without.connect(.worker)
        without.handle(.worker, .received(try WireTap.frame(challenge)))
        #expect(without.fault(.worker) == .authenticationFailed(.workerHasNoToken))
        var newer = Self.pair()
        newer.connect(.worker)
        let later = Message.challenge(Message.Challenge(version: 3, nonce: [UInt8](repeating: 9, count: 32)))
        newer.handle(.worker, .received(try WireTap.frame(later)))
        #expect(newer.fault(.worker) == .noCommonVersion(ours: 1...2, theirs: 3...3))
    }

    @Test("finds every byte out that was changed on the way, although all checksums hold")
    func tampering() throws {
        for type in [MessageType.hello, .challenge, .authenticate] {
            var length = 1
            var offset = 0
            while offset < length {
                var pair = Self.pair()
                pair.connect()
                try Self.settle(&pair) { frame in
                    guard frame.type == type else { return frame }
                    length = frame.payload.readableBytes
                    var changed = frame
                    var bytes = Array(frame.payload.readableBytesView)
                    bytes[offset] ^= 1
                    changed.payload = ByteBuffer(bytes: bytes)
                    return changed
                }
                #expect(pair.worker.peer == nil && pair.verifier.peer == nil, "byte \(offset) of \(type)")
                offset += 1
            }
            #expect(length > 30)
        }
    }

    @Test("cannot be taken away by somebody on the path who removes the nonce")
    func downgrade() throws {
        var pair = Self.pair()
        pair.connect()
        try Self.settle(&pair) { frame in
            guard case .hello(var hello) = try WireTap.message(in: frame) else { return frame }
            hello.nonce = []
            return try WireTap.frames(in: try WireTap.frame(.hello(hello))).first
        }
        #expect(pair.fault(.verifier) == .authenticationFailed(.workerHasNoToken))
        #expect(pair.worker.peer == nil)
    }

    /// Gives out given words, so that a nonce is known.
    private struct Words: RandomNumberGenerator {
        var bytes: ArraySlice<UInt8>

        mutating func next() -> UInt64 {
            defer { bytes = bytes.dropFirst(8) }
            return bytes.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
    }

    @Test("says what the protocol's vectors say, byte for byte")
    func vectors() throws {
        let golden = try GoldenFrames.frames(in: "authenticated")
        try #require(golden.map(\.type) == [.hello, .challenge, .authenticate, .welcome])
        var configuration = LinkConfiguration()
        configuration.token = LinkPair.token("correct horse battery staple")
        guard case .hello(var hello) = try WireTap.message(in: golden[0]),
            case .welcome(let welcome) = try WireTap.message(in: golden[3])
        else { return }
        hello.nonce = []
        let identity = VerifierIdentity(
            name: welcome.name,
            incarnation: welcome.incarnation,
            fingerprint: welcome.fingerprint
        )
        var worker = LinkMachine(side: .worker(hello), configuration: configuration)
        var verifier = LinkMachine(side: .verifier(identity), configuration: configuration)
        var (zeros, twenties) = (Words(bytes: Array(0x00...0x1f)[...]), Words(bytes: Array(0x20...0x3f)[...]))
        var said = worker.handle(.connected(LinkNonce(using: &zeros)), now: .zero)
        said += verifier.handle(.connected(LinkNonce(using: &twenties)), now: .zero)
        said += verifier.handle(.received(golden[0].encoded), now: .zero)
        said += worker.handle(.received(golden[1].encoded), now: .zero)
        said += verifier.handle(.received(golden[2].encoded), now: .zero)
        said += worker.handle(.received(golden[3].encoded), now: .zero)
        let written = said.compactMap { if case .write(let bytes) = $0 { bytes } else { nil } }
        #expect(written == golden.map(\.encoded))
        #expect(worker.peer != nil && verifier.peer != nil)
    }

    @Test("must be over with the handshake in two seconds", arguments: [LinkPair.End.worker, .verifier])
    func timesOut(end: LinkPair.End) {
        var pair = Self.pair()
        pair.connect()
        _ = pair.deliver(to: .verifier)
        if end == .worker { _ = pair.deliver(to: .worker) }
        pair.now = .zero + .seconds(2)
        pair.handle(end, .timer)
        #expect(pair.fault(end) == .handshakeTimedOut(after: .seconds(2)))
    }

    private static func welcome(proof: [UInt8]) -> Message.Welcome {
        Message.Welcome(
            version: 1,
            name: "impostor",
            incarnation: 1,
            fingerprint: LinkPair.fingerprint,
            capabilities: [],
            proof: proof
        )
    }
}
