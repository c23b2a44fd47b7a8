import NIOCore
import PacelineSpeculation
import PacelineWire
import Testing

@testable import PacelineCluster

@Suite("What a verifier tells its workers")
struct AnnouncementTests {
    /// A verifier's machine and a worker's end of one link, joined by hand.
    private struct Exchange {
        var verifier: VerifierMachine
        var worker: LinkMachine
        var heard: [Message] = []
        var passes: [Pass] = []
        private let link = LinkID(rawValue: 1)

        init(capabilities: LinkCapabilities) throws {
            verifier = VerifierMachine(
                configuration: VerifierConfiguration(),
                target: .mock(),
                costs: try .mock(),
                incarnation: 1
            )
            let hello = Message.Hello(
                name: "worker",
                incarnation: 2,
                fingerprint: nil,
                capabilities: capabilities,
                slots: 4,
                contextLength: nil
            )
            worker = LinkMachine(side: .worker(hello), configuration: LinkConfiguration())
            var nonces = SplitMix(seed: 1)
            tell(.accepted(link, host: "worker", nonce: LinkNonce(using: &nonces)))
            act(worker.handle(.connected(LinkNonce(using: &nonces)), now: .zero))
        }

        mutating func tell(_ event: VerifierMachine.Event) {
            for effect in verifier.handle(event, now: .zero) {
                switch effect {
                case .link(_, .write(let bytes)): act(worker.handle(.received(bytes), now: .zero))
                case .run(let pass): passes.append(pass)
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

        /// Ends the pass that runs, with one verdict.
        mutating func finish(_ verdict: Verdict) {
            tell(.passFinished([.verified(verdict)], milliseconds: 20))
        }

        /// A worker's tree of one node.
        mutating func draft(_ token: Token, below base: [Token]) {
            let tree = Message.Tree(
                request: 1,
                epoch: UInt64(base.count - 1),
                baseLength: base.count,
                baseHash: BaseHash(base),
                firstNode: 0,
                nodes: [.init(parent: nil, token: token, logProbability: -0.01)],
                isFinal: true
            )
            act(worker.handle(.send(.tree(tree)), now: .zero))
        }

        var verdicts: [Message.Verdict] {
            heard.compactMap { if case .verdict(let message) = $0 { message } else { nil } }
        }

        var verifying: [Message.Verifying] {
            heard.compactMap { if case .verifying(let message) = $0 { message } else { nil } }
        }
    }

    /// A plain round, during which the worker drafts, and a round about what it drafted.
    private static func run(_ capabilities: LinkCapabilities) throws -> Exchange {
        var exchange = try Exchange(capabilities: capabilities)
        let base: [Token] = [1]
        exchange.tell(
            .submit(RequestID(rawValue: 1), GenerationRequest(prompt: base, sampling: .greedy, maximumTokens: 50))
        )
        let tree = Message.Tree(
            request: 1,
            epoch: 0,
            baseLength: 1,
            baseHash: BaseHash(base),
            firstNode: 0,
            nodes: [
                .init(parent: nil, token: 5, logProbability: -0.01), .init(parent: 0, token: 6, logProbability: -0.01),
                .init(parent: 1, token: 7, logProbability: -0.01),
            ],
            isFinal: true
        )
        exchange.act(exchange.worker.handle(.send(.tree(tree)), now: .zero))
        exchange.finish(Verdict(path: [], accepted: [], correction: 5))
        return exchange
    }

    @Test("includes the nodes that a pass verifies when it begins, below the present base")
    func names() throws {
        let exchange = try Self.run([.deltas, .verifying])
        #expect(exchange.passes.count == 2)
        let message = try #require(exchange.verifying.first)
        #expect(exchange.verifying.count == 1)
        #expect(message.epoch == 1 && message.baseLength == 2 && message.baseHash == BaseHash([1, 5]))
        #expect(message.nodes == [.init(parent: nil, token: 6), .init(parent: 0, token: 7)])
        // After the verdict that made the base what it is.
        let kinds = exchange.heard.map(\.type)
        let verdict = try #require(kinds.firstIndex(of: .verdict))
        #expect(try #require(kinds.firstIndex(of: .verifying)) > verdict)
    }

    @Test("is nothing while a worker rests, and everything when it may draft again")
    func resting() throws {
        var exchange = try Exchange(capabilities: [.deltas])
        exchange.tell(
            .submit(RequestID(rawValue: 1), GenerationRequest(prompt: [1], sampling: .greedy, maximumTokens: 200))
        )
        var base: [Token] = [1]
        var told: [Int] = []
        for _ in 0..<90 {
            if exchange.verdicts.last?.credit ?? 8 > 0 { exchange.draft(9, below: base) }
            exchange.finish(Verdict(path: [], accepted: [], correction: 5))
            base.append(5)
            told.append(exchange.verdicts.count)
        }
        // Found out after 12 verdicts, and asked again 64 verdicts later.
        #expect(told[11] == 12 && exchange.verdicts[11].credit == 0)
        #expect(told[50] == 12)
        #expect(exchange.verdicts.count >= 12 + 64)
        #expect(exchange.verdicts.map(\.epoch) == (1...UInt64(exchange.verdicts.count)).map { $0 })
        let last = try #require(exchange.verdicts.last)
        #expect(last.baseHash == BaseHash(base.prefix(last.baseLength)))
        #expect(exchange.verdicts.contains { $0.epoch > 12 && $0.credit > 0 })
    }

    @Test("includes that a request is over which a worker gives up: it may have been opened there once more")
    func givenUp() throws {
        let workers = try ScriptedWorkers()
        let id = try workers.connect(incarnation: 1)
        let request = workers.submit([1, 2, 3], count: 20)
        #expect(workers.hear(id).last?.type == .open)
        for isFirst in [true, false] {
            try workers.send(.close(Message.Close(request: request.rawValue, reason: .failed)), from: id)
            let answer = Message.close(Message.Close(request: request.rawValue, reason: .reassigned))
            #expect(workers.hear(id) == (isFirst ? [answer] : []))
        }
    }

    @Test("leaves the nodes under verification out for a worker that did not ask")
    func capability() throws {
        let exchange = try Self.run([.deltas])
        #expect(exchange.passes.count == 2)
        #expect(exchange.verifying.isEmpty)
    }
}
