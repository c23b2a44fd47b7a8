import NIOCore
import PacelineSimulation
import PacelineSpeculation
import PacelineWire
import Testing

@testable import PacelineCluster

@Suite("A base that arrives in parts")
struct ArrivingBaseTests {
    private static let base: [Token] = Array(1...10)

    /// A worker's machine and a verifier's end of one link, joined by hand.
    private struct Exchange {
        var worker: WorkerMachine
        var verifier: LinkMachine
        var jobs: [DraftJob] = []
        var heard: [Message] = []
        var fault: LinkFault?
        private let link = LinkID(rawValue: 1)

        init(slots: Int = 2, contextLength: Int? = nil) {
            var configuration = WorkerConfiguration(name: "worker", fingerprint: MockText.fingerprint(of: "drafter"))
            configuration.slots = slots
            configuration.contextLength = contextLength
            configuration.features = FeatureDemand(taps: [.lastOutput])
            let verifiers = [Endpoint(host: "verifier", port: 7411)]
            worker = WorkerMachine(configuration: configuration, verifiers: verifiers, incarnation: 2, seed: 1)
            let identity = VerifierIdentity(
                name: "verifier",
                incarnation: 1,
                fingerprint: MockText.fingerprint(of: "target"),
                featureLayers: 1
            )
            verifier = LinkMachine(side: .verifier(identity), configuration: LinkConfiguration())
            var nonces = SplitMix(seed: 1)
            tell(.timer)
            act(verifier.handle(.connected(LinkNonce(using: &nonces)), now: .zero))
            tell(.link(link, .connected(LinkNonce(using: &nonces))))
        }

        mutating func tell(_ event: WorkerMachine.Event) {
            for effect in worker.handle(event, now: .zero) {
                switch effect {
                case .link(_, .write(let bytes)): act(verifier.handle(.received(bytes), now: .zero))
                case .draft(let job): jobs.append(job)
                case .note(.linkClosed(_, let fault, _)): self.fault = fault
                default: break
                }
            }
        }

        mutating func act(_ effects: [LinkMachine.Effect]) {
            for effect in effects {
                switch effect {
                case .write(let bytes): tell(.link(link, .received(bytes)))
                case .deliver(let message): heard.append(message)
                default: break
                }
            }
        }

        /// Sends a message as it is, however long it announces its base to be.
        mutating func say(_ message: Message) {
            if case .open(let open) = message, open.base.count < open.baseLength {
                // The link would wait with what it is to send of the base itself.
                return sayPart(open)
            }
            act(verifier.handle(.send(message), now: .zero))
        }

        private mutating func sayPart(_ open: Message.Open) {
            #expect(throws: Never.self) { try verifier.write(.open(open), now: .zero) }
            for case .write(let bytes) in verifier.outbox.take() { tell(.link(link, .received(bytes))) }
        }

        var closes: [Message.Close] {
            heard.compactMap { if case .close(let close) = $0 { close } else { nil } }
        }

        /// Bases with which the compute thread began.
        var openings: [[Token]] { jobs.compactMap { $0.turn?.opening?.base } }
    }

    private static func open(_ count: Int, request: UInt64 = 1, length: Int? = nil) -> Message {
        .open(
            Message.Open(
                request: request,
                epoch: 0,
                base: Array(base.prefix(count)),
                baseLength: length ?? base.count,
                baseHash: BaseHash(base),
                sampling: .greedy,
                credit: 8,
                limits: DraftLimits(nodes: 8, depth: 4, width: 2),
                lengthLimit: 1 << 24
            )
        )
    }

    private static func part(_ range: Range<Int>, request: UInt64 = 1) -> Message {
        .base(Message.Base(request: request, offset: range.lowerBound, tokens: Array(base[range])))
    }

    private static let verdict = Message.verdict(
        Message.Verdict(
            request: 1,
            epoch: 1,
            baseLength: 11,
            baseHash: BaseHash(base + [11]),
            tokens: [11],
            verifiedNodes: 0,
            acceptedNodes: 0,
            credit: 8
        )
    )

    private static let verifying = Message.verifying(
        Message.Verifying(
            request: 1,
            epoch: 0,
            baseLength: 10,
            baseHash: BaseHash(base),
            nodes: [.init(parent: nil, token: 5)]
        )
    )

    private static let features = Message.features(
        Message.Features(
            request: 1,
            block: FeatureBlock(position: 0, taps: [.lastOutput], width: 1, values: [1]),
            format: .float16
        )
    )

    @Test("is drafted for when the last part has come, and not before")
    func whole() {
        var exchange = Exchange()
        exchange.say(Self.open(3))
        exchange.say(Self.part(3..<4))
        #expect(exchange.worker.sessionTotal == 0 && exchange.jobs.isEmpty)
        exchange.say(Self.part(4..<10))
        #expect(exchange.worker.sessionTotal == 1)
        #expect(exchange.openings == [Self.base])
        exchange.say(Self.verdict)
        #expect(exchange.fault == nil)
        #expect(exchange.worker.sessions.values.first?.mark.length == 11)
    }

    @Test("ends the link where parts do not follow one another or are more than was announced")
    func gaps() {
        for wrong in [Self.part(4..<5), Self.part(2..<5)] {
            var exchange = Exchange()
            exchange.say(Self.open(3))
            exchange.say(wrong)
            guard case .violation(let reason) = exchange.fault else {
                Issue.record("\(String(describing: exchange.fault))")
                continue
            }
            #expect(reason.contains("where token 3 was due"))
        }
        var exchange = Exchange()
        exchange.say(Self.open(3, length: 5))
        exchange.say(Self.part(3..<6))
        #expect(
            exchange.fault
                == .violation("6 tokens came for the base of request 1, which was to have 5")
        )
    }

    @Test("ends the link where it is not the base that its hash names")
    func hash() {
        var exchange = Exchange()
        exchange.say(Self.open(3))
        exchange.say(.base(Message.Base(request: 1, offset: 3, tokens: Array(repeating: 9, count: 7))))
        #expect(
            exchange.fault == .violation("request 1 was opened with a base that its hash does not fit")
        )
        #expect(exchange.worker.sessionTotal == 0)
    }

    @Test(
        "ends the link where something is said of its request before it is whole",
        arguments: [verdict, verifying, features]
    )
    func early(message: Message) {
        var exchange = Exchange()
        exchange.say(Self.open(3))
        exchange.say(message)
        let state = "only 3 of the 10 tokens of its request's base had come"
        #expect(exchange.fault == .unexpected(message.type, state: state))
    }

    @Test("ends the link where its request is opened again, or more of it comes than all")
    func twice() {
        var exchange = Exchange()
        exchange.say(Self.open(3))
        exchange.say(Self.open(3))
        #expect(exchange.fault == .violation("request 1 was opened twice"))
        exchange = Exchange()
        exchange.say(Self.open(10))
        exchange.say(Self.part(3..<4))
        #expect(exchange.fault == .violation("more came of the base of request 1, which was whole"))
    }

    @Test("is forgotten when its request is closed, and what still comes of it is passed over")
    func closed() {
        var exchange = Exchange(slots: 1)
        exchange.say(Self.open(3))
        exchange.say(.close(Message.Close(request: 1, reason: .cancelled)))
        exchange.say(Self.part(3..<10))
        #expect(exchange.fault == nil && exchange.worker.sessionTotal == 0)
        // Its slot is free again.
        exchange.say(Self.open(10, request: 2))
        #expect(exchange.closes.isEmpty && exchange.openings == [Self.base])
    }

    @Test("takes a slot from its first part on")
    func slots() {
        var exchange = Exchange(slots: 1)
        exchange.say(Self.open(3))
        exchange.say(Self.open(10, request: 2))
        #expect(exchange.closes.map(\.request) == [2])
        #expect(exchange.closes.first?.reason == .noCapacity)
        exchange.say(Self.part(3..<10))
        #expect(exchange.openings == [Self.base])
    }

    @Test("is refused at its first part if the drafter's context cannot hold it all")
    func context() {
        var exchange = Exchange(contextLength: 1000)
        exchange.say(Self.open(3, length: 1 << 24))
        #expect(exchange.closes == [Message.Close(request: 1, reason: .contextLength)])
        exchange.say(Self.part(3..<10))
        #expect(exchange.fault == nil && exchange.worker.arriving.isEmpty)
    }

    @Test("is forgotten with its link")
    func lost() {
        var exchange = Exchange()
        exchange.say(Self.open(3))
        #expect(exchange.worker.arriving.count == 1)
        exchange.tell(.link(LinkID(rawValue: 1), .disconnected(reason: "reset")))
        #expect(exchange.worker.arriving.isEmpty)
    }
}
