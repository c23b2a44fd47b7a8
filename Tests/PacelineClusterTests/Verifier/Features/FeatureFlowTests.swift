import NIOCore
import PacelineSimulation
import PacelineSpeculation
import PacelineWire
import Testing

@testable import PacelineCluster

@Suite("Features on a link that is busy")
struct FeatureFlowTests {
    /// A verifier's machine with the mock target, and a worker's end of one link. What the verifier writes leaves for
    /// the network when the test says so.
    private struct Exchange {
        private var verifier: VerifierMachine
        private var worker: LinkMachine
        private(set) var heard: [Message] = []
        private(set) var pass: Pass?
        private var waiting: [ByteBuffer] = []
        private let runner = PassRunner(engine: MockTarget())
        private let link = LinkID(rawValue: 1)

        init(_ demand: FeatureDemand?, _ adjust: (inout LinkConfiguration) -> Void = { _ in }) throws {
            var configuration = VerifierConfiguration()
            configuration.restsDrafting = false
            adjust(&configuration.link)
            verifier = VerifierMachine(
                configuration: configuration,
                target: .mock(),
                costs: try .mock(),
                incarnation: 1
            )
            var hello = Message.Hello(
                name: "worker",
                incarnation: 2,
                fingerprint: nil,
                capabilities: demand == nil ? [.deltas] : [.deltas, .features],
                slots: 4
            )
            hello.features = demand
            worker = LinkMachine(side: .worker(hello), configuration: LinkConfiguration())
            var nonces = SplitMix(seed: 1)
            tell(.accepted(link, host: "worker", nonce: LinkNonce(using: &nonces)))
            act(worker.handle(.connected(LinkNonce(using: &nonces)), now: .zero))
            settle()
        }

        private mutating func tell(_ event: VerifierMachine.Event) {
            for effect in verifier.handle(event, now: .zero) {
                switch effect {
                case .link(_, .write(let bytes)): waiting.append(bytes)
                case .run(let pass): self.pass = pass
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

        /// Lets all writes of the verifier's leave and arrive.
        mutating func settle() {
            while !waiting.isEmpty {
                let bytes = waiting.removeFirst()
                act(worker.handle(.received(bytes), now: .zero))
                tell(.link(link, .flushed(bytes: bytes.readableBytes)))
            }
        }

        mutating func submit(_ prompt: [Token]) {
            let request = GenerationRequest(prompt: prompt, sampling: .greedy, maximumTokens: 100)
            tell(.submit(RequestID(rawValue: 1), request))
        }

        /// Carries out passes, one after the other.
        mutating func run(passes: Int) throws {
            for _ in 0..<passes {
                let pass = try #require(pass)
                self.pass = nil
                let outcomes = try runner.run(pass, progress: ComputeProgress())
                tell(.passFinished(outcomes, milliseconds: 20))
            }
        }

        var kinds: [MessageType] { heard.map(\.type) }

        var features: [FeatureBlock] {
            heard.compactMap { if case .features(let message) = $0 { message.block } else { nil } }
        }
    }

    private static let demand = FeatureDemand(taps: [.normedOutput, .input(layer: 1)])
    private static let prompt = (0..<40).map { Token($0 % 7) }

    private static func features(_ positions: Range<Int>) -> FeatureBlock {
        let answer = MockText.plain(prompt: prompt, seed: SamplingParameters.greedy.seed, count: 100)
        return MockFeatures.block(of: prompt + answer, at: positions, taps: demand.taps)
    }

    @Test("are computed for who reads them only")
    func taps() throws {
        for demand in [nil, Self.demand] {
            var exchange = try Exchange(demand)
            exchange.submit(Self.prompt)
            for _ in 0..<4 {
                #expect(exchange.pass?.taps == demand?.taps ?? [])
                try exchange.run(passes: 1)
            }
            exchange.settle()
            #expect(exchange.kinds.contains(.features) == (demand != nil))
        }
    }

    @Test("wait until the worker has the whole base, and then come all at once before a verdict")
    func opening() throws {
        var exchange = try Exchange(Self.demand) { ($0.basePart, $0.baseWindow) = (10, 1) }
        exchange.submit(Self.prompt)
        // The prompt, and five tokens.
        try exchange.run(passes: 6)
        exchange.settle()
        #expect(exchange.kinds == [.open, .base, .base, .base])
        try exchange.run(passes: 1)
        exchange.settle()
        #expect(exchange.kinds.dropFirst(4) == [.verdict, .verdict, .verdict, .verdict, .verdict, .features, .verdict])
        #expect(exchange.features == [Self.features(0..<45)])
        try exchange.run(passes: 1)
        exchange.settle()
        #expect(exchange.kinds.suffix(2) == [.features, .verdict])
        #expect(exchange.features.last == Self.features(45..<46))
    }

    @Test("are held back while other bytes wait for the transport, and sent later, none twice")
    func window() throws {
        var exchange = try Exchange(Self.demand) { $0.featureWindow = 1 }
        exchange.submit(Self.prompt)
        try exchange.run(passes: 3)
        exchange.settle()
        #expect(exchange.kinds == [.open, .verdict, .verdict])
        try exchange.run(passes: 3)
        exchange.settle()
        // The first of the three verdicts found the link idle.
        #expect(exchange.kinds.dropFirst(3) == [.features, .verdict, .verdict, .verdict])
        #expect(exchange.features == [Self.features(0..<42)])
        try exchange.run(passes: 1)
        exchange.settle()
        #expect(exchange.kinds.suffix(2) == [.features, .verdict])
        #expect(exchange.features.last == Self.features(42..<45))
    }

    @Test("go on while there is room")
    func room() throws {
        var exchange = try Exchange(Self.demand)
        exchange.submit(Self.prompt)
        try exchange.run(passes: 4)
        exchange.settle()
        #expect(exchange.kinds == [.open, .features, .features, .verdict, .features, .verdict, .features, .verdict])
        #expect(exchange.features.map(\.count) == [39, 1, 1, 1])
    }
}
