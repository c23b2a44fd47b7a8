import PacelineModel
import PacelineSpeculation
import PacelineTensor
import PacelineTestKit
import Testing

@testable import PacelineCluster

/// Requests at the production engine, on a model with one token whose embedding is not a number.
@Suite("Tokens after which nothing can be sampled")
struct LawlessTokenTests {
    private static let lawless: Token = 100
    private static let prompt: [Token] = [5, 9, 40, 7]

    /// What became of a request.
    private struct Fate: Equatable {
        var tokens: [Token] = []
        var fault: String?
    }

    private static func engine() throws -> TransformerEngine {
        var model = TinyModel().withoutLaw(behind: Int(lawless))
        model.blockCount = 1
        return TransformerEngine(transformer: try model.transformer(), cacheCapacity: 1_024, sequences: 4)
    }

    private static func opening(
        _ number: UInt64,
        _ prompt: [Token] = prompt,
        wanting token: Token? = nil
    ) -> Pass.Opening {
        var sampling = SamplingParameters.greedy
        if let token { sampling.logitBias = [.init(token: token, bias: 100)] }
        return Pass.Opening(
            request: RequestID(rawValue: number),
            base: prompt,
            sampling: sampling,
            lengthLimit: 512
        )
    }

    /// Runs rounds until `count` tokens have come, or the request fails; `trees` are drafted in turn.
    private static func run(
        _ opening: Pass.Opening,
        at engine: TransformerEngine,
        beside others: [Pass.Opening] = [],
        trees: [TokenTree] = [],
        count: Int = 6
    ) throws -> [Fate] {
        let all = [opening] + others
        var fates = all.map { _ in Fate() }
        for opening in all { try engine.open(opening) }
        for round in 0..<count {
            let running = all.indices.filter { fates[$0].fault == nil }
            let rounds = running.map { index in
                let tree = index == 0 && round < trees.count ? trees[round] : TokenTree()
                return Round(request: all[index].request, work: .verify(tree))
            }
            for (index, outcome) in zip(running, try engine.run(rounds, progress: ComputeProgress())) {
                switch outcome {
                case .verified(let verdict, _, _, _): fates[index].tokens += verdict.tokens
                case .failed(let reason), .noRoom(let reason):
                    fates[index].fault = reason
                    engine.close(all[index].request)
                case .prefilled: Issue.record("nothing was to be prefilled")
                }
            }
        }
        for opening in all { engine.close(opening.request) }
        return fates
    }

    private static func chain(_ tokens: [Token], beside: Token? = nil) throws -> TokenTree {
        var tree = TokenTree()
        var parent: NodeIndex?
        for token in tokens {
            if let beside { _ = try tree.insert(.init(parent: parent, token: beside, logProbability: -1)) }
            parent = try tree.insert(.init(parent: parent, token: token, logProbability: -1)).index
        }
        return tree
    }

    private static func fault(position: Int) -> String {
        "\(LogitError(token: 0, value: .nan, position: position))"
    }

    @Test("A request fails with the token and position that cannot be sampled, and keeps the tokens before")
    func plain() throws {
        let inPrompt = try Self.run(Self.opening(1, Self.prompt + [Self.lawless]), at: Self.engine())
        #expect(inPrompt == [Fate(tokens: [], fault: Self.fault(position: 5))])
        let later = try Self.run(Self.opening(1, wanting: Self.lawless), at: Self.engine())
        #expect(later == [Fate(tokens: [Self.lawless], fault: Self.fault(position: 5))])
    }

    @Test("Other requests of the pass go on, and so do later ones")
    func others() throws {
        let engine = try Self.engine()
        let (first, second) = (Self.opening(2, [1, 2, 3]), Self.opening(3, [9, 8, 7, 6, 5]))
        let expected = try [first, second].map { try Self.run($0, at: Self.engine())[0] }
        let failing = Self.opening(1, wanting: Self.lawless)
        let fates = try Self.run(failing, at: engine, beside: [first, second])
        #expect(fates[0].fault == Self.fault(position: 5))
        #expect(Array(fates[1...]) == expected)
        #expect(expected.allSatisfy { $0.fault == nil && $0.tokens.count == 6 })
        #expect(try Self.run(Self.opening(4, [1, 2, 3]), at: engine)[0].tokens == expected[0].tokens)
    }

    @Test("A request has the same tokens before it fails, with drafts or without")
    func drafted() throws {
        let lawless = Self.lawless
        let expected = try Self.run(Self.opening(1, wanting: lawless), at: Self.engine())
        for tree in [[lawless], [lawless, lawless, 4], [3, lawless]] {
            let trees = [try Self.chain(tree), try Self.chain(tree)]
            #expect(try Self.run(Self.opening(1, wanting: lawless), at: Self.engine(), trees: trees) == expected)
        }
    }

    @Test("Such a token in a tree changes no token that does not follow it")
    func beside() throws {
        let expected = try Self.run(Self.opening(1), at: Self.engine(), count: 12)[0]
        #expect(expected.fault == nil)
        var tokens: [Token] = []
        let engine = try Self.engine()
        try engine.open(Self.opening(1))
        while tokens.count < 9 {
            let tree = try Self.chain(Array(expected.tokens[tokens.count..<tokens.count + 3]), beside: Self.lawless)
            let round = Round(request: RequestID(rawValue: 1), work: .verify(tree))
            guard case .verified(let verdict, _, _, _) = try engine.run([round], progress: ComputeProgress())[0] else {
                Issue.record("the round failed")
                return
            }
            #expect(verdict.accepted.count == 3)
            tokens += verdict.tokens
        }
        #expect(tokens == Array(expected.tokens.prefix(tokens.count)))
    }

    @Test("A drafter that meets such logits ends its session with the reason")
    func drafter() throws {
        final class Source: DrafterSource {
            let transformer: Transformer
            init(_ transformer: Transformer) { self.transformer = transformer }
            func makeDrafters() -> [any Drafter] {
                [ModelDrafter(transformer: transformer, pool: KVPagePool(shape: transformer.cacheShape, slots: 512))]
            }
        }
        var model = TinyModel().withoutLaw(behind: Int(Self.lawless))
        model.blockCount = 1
        var host = DraftHost(source: Source(try model.transformer()))
        for (session, prompt) in [Self.prompt, Self.prompt + [Self.lawless]].enumerated() {
            let id = DraftSessionID(rawValue: UInt64(session + 1))
            let opening = DraftJob.Opening(base: prompt, sampling: .greedy, limits: TreeLimits())
            let turn = DraftJob.Turn(
                session: id,
                opening: opening,
                committed: [],
                verifying: nil,
                policy: GrowthPolicy()
            )
            let result = host.perform(DraftJob(closings: [], turn: turn))
            guard case .failed(let reason) = result?.outcome else {
                #expect(session == 0)
                continue
            }
            #expect(session == 1)
            #expect(reason == Self.fault(position: 5))
        }
    }
}
