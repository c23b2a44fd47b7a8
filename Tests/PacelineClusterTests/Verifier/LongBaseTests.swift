import NIOCore
import PacelineSpeculation
import PacelineWire
import Testing

@testable import PacelineCluster

@Suite("A verifier with a long base")
struct LongBaseTests {
    /// A verifier's machine and a worker's end of one link. What the verifier writes leaves for the network when the
    /// test says so.
    private struct Exchange {
        var verifier: VerifierMachine
        var worker: LinkMachine
        var heard: [Message] = []
        var passes = 0
        private var waiting: [ByteBuffer] = []
        private let link = LinkID(rawValue: 1)
        private let request = RequestID(rawValue: 1)

        init(
            versions: ClosedRange<Int> = WireLimits.protocolVersions,
            contextLength: Int = 1 << 20,
            _ adjust: (inout LinkConfiguration) -> Void = { _ in }
        ) throws {
            var configuration = VerifierConfiguration()
            adjust(&configuration.link)
            var target = TargetDescription.mock(cacheCapacity: contextLength)
            target.contextLength = contextLength
            verifier = VerifierMachine(
                configuration: configuration,
                target: target,
                costs: try .mock(),
                incarnation: 1
            )
            let hello = Message.Hello(
                versions: versions,
                name: "worker",
                incarnation: 2,
                fingerprint: nil,
                capabilities: [.deltas, .verifying],
                slots: 4
            )
            worker = LinkMachine(side: .worker(hello), configuration: LinkConfiguration())
            var nonces = SplitMix(seed: 1)
            tell(.accepted(link, host: "worker", nonce: LinkNonce(using: &nonces)))
            act(worker.handle(.connected(LinkNonce(using: &nonces)), now: .zero))
            settle()
        }

        mutating func tell(_ event: VerifierMachine.Event) {
            for effect in verifier.handle(event, now: .zero) {
                switch effect {
                case .link(_, .write(let bytes)): waiting.append(bytes)
                case .run: passes += 1
                default: break
                }
            }
        }

        private mutating func act(_ effects: [LinkMachine.Effect]) {
            for effect in effects {
                switch effect {
                case .write(let bytes): tell(.link(link, .received(bytes)))
                case .deliver(let message): heard.append(message)
                default: break
                }
            }
        }

        /// Lets one write of the verifier's leave and arrive.
        mutating func pass() -> Bool {
            guard !waiting.isEmpty else { return false }
            let bytes = waiting.removeFirst()
            act(worker.handle(.received(bytes), now: .zero))
            tell(.link(link, .flushed(bytes: bytes.readableBytes)))
            return true
        }

        mutating func settle() {
            while pass() {}
        }

        mutating func submit(_ prompt: [Token], count: Int = 1000) {
            tell(.submit(request, GenerationRequest(prompt: prompt, sampling: .greedy, maximumTokens: count)))
        }

        /// Ends the pass that runs: the rest of the prompt is computed, or a token decided.
        mutating func finishPass(_ token: Token) {
            let left = verifier.running[request]?.prefillLeft ?? 0
            let outcome: RoundOutcome =
                left > 0
                ? .prefilled(count: left, reused: 0)
                : .verified(Verdict(path: [], accepted: [], correction: token))
            tell(.passFinished([outcome], milliseconds: 20))
        }

        var verdicts: [Message.Verdict] {
            heard.compactMap { if case .verdict(let message) = $0 { message } else { nil } }
        }

        var closes: [Message.Close] {
            heard.compactMap { if case .close(let message) = $0 { message } else { nil } }
        }

        var base: [Token] {
            heard.flatMap { message -> [Token] in
                switch message {
                case .open(let open): open.base
                case .base(let base): base.tokens
                default: []
                }
            }
        }
    }

    private static let prompt = (0..<100).map { Token($0) }

    @Test("withholds verdicts from a worker until it has the whole base, and then tells them all")
    func withheld() throws {
        var exchange = try Exchange {
            $0.basePart = 10
            $0.baseWindow = 1
        }
        exchange.submit(Self.prompt)
        exchange.finishPass(0)
        for token in 1...Token(5) { exchange.finishPass(token) }
        #expect(exchange.heard.isEmpty)
        // Verdicts go on while the parts trickle.
        for token in 6...Token(10) {
            let hasLeft = exchange.pass()
            #expect(hasLeft)
            exchange.finishPass(token)
        }
        #expect(exchange.verdicts.isEmpty)
        exchange.settle()
        #expect(exchange.base == Self.prompt)
        exchange.finishPass(11)
        exchange.settle()
        #expect(exchange.verdicts.map(\.epoch) == (1...11).map { UInt64($0) })
        #expect(exchange.verdicts.map(\.tokens) == (1...11).map { [Token($0)] })
        let kinds = exchange.heard.map(\.type)
        #expect(kinds == [.open] + Array(repeating: .base, count: 9) + Array(repeating: .verdict, count: 11))
    }

    @Test("gives up a worker that receives a base too slowly for the verdicts since to be told")
    func endless() throws {
        var exchange = try Exchange {
            $0.basePart = 10
            $0.baseWindow = 1
        }
        exchange.submit(Self.prompt)
        exchange.finishPass(0)
        for token in 0..<Token(BaseHistory.limit) { exchange.finishPass(1 + token % 9) }
        exchange.settle()
        exchange.finishPass(3)
        exchange.settle()
        #expect(exchange.closes.map(\.reason) == [.contextLength])
        #expect(exchange.verdicts.isEmpty)
        #expect(exchange.heard.count { $0.type == .open } == 1)
    }

    @Test("opens a base of more than 262,144 tokens at a worker of version 2, and not at one of version 1")
    func versions() throws {
        let prompt = [Token](repeating: 7, count: 262_145)
        var new = try Exchange()
        new.submit(prompt)
        new.settle()
        #expect(new.base == prompt)
        #expect(new.heard.map(\.type) == [.open] + Array(repeating: .base, count: 16))
        var old = try Exchange(versions: 1...1)
        old.submit(prompt)
        old.settle()
        #expect(old.heard.isEmpty)
        #expect(old.passes == 1)
    }

    @Test("closes a request at a worker of version 1 when it outgrows 262,144 tokens, and goes on without it")
    func outgrown() throws {
        var exchange = try Exchange(versions: 1...1)
        exchange.submit([Token](repeating: 7, count: 262_142))
        exchange.finishPass(0)
        for token in 1...Token(4) { exchange.finishPass(token) }
        exchange.settle()
        #expect(exchange.heard.map(\.type) == [.open, .verdict, .verdict, .close])
        #expect(exchange.verdicts.last?.baseLength == 262_144)
        #expect(exchange.closes.map(\.reason) == [.contextLength])
        #expect(exchange.verifier.running.values.first?.length == 262_146)
    }

    @Test("takes any prompt that fits the context, up to 16,777,216 tokens")
    func context() throws {
        var exchange = try Exchange(contextLength: 1 << 24)
        exchange.submit([Token](repeating: 7, count: 300_000), count: 1 << 24)
        #expect(exchange.verifier.running.values.first?.lengthLimit == 1 << 24)
    }
}
