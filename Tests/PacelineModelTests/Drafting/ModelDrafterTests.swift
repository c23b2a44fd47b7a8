import PacelineSpeculation
import PacelineTensor
import PacelineTestKit
import Testing

@testable import PacelineModel

@Suite("Model drafter")
struct ModelDrafterTests {
    static let base: [Token] = (0..<50).map { Token(($0 * 29 + 3) % 240) }

    static func drafter(_ transformer: Transformer) -> ModelDrafter {
        ModelDrafter(transformer: transformer, pool: KVPagePool(shape: transformer.cacheShape, slots: 4_096))
    }

    /// Expands `nodes` and inserts the proposed candidates.
    static func grow(
        _ tree: inout TokenTree,
        _ drafter: ModelDrafter,
        at nodes: [NodeIndex?],
        width: Int
    ) throws -> [[Candidate]] {
        let proposals = try drafter.expand(tree, at: nodes, width: width)
        for (node, candidates) in zip(nodes, proposals) {
            for candidate in candidates {
                _ = try tree.append(
                    .init(parent: node, token: candidate.token, logProbability: candidate.logProbability)
                )
            }
        }
        return proposals
    }

    @Test(
        "After re-rooting, a drafter proposes the same candidates as a fresh one",
        arguments: [SamplingParameters.greedy, SamplingParameters(temperature: 0.9, topP: 0.95, seed: 4)]
    )
    func rerooting(sampling: SamplingParameters) throws {
        let transformer = try TinyModel().transformer()
        var base = Self.base
        let drafter = Self.drafter(transformer)
        try drafter.begin(base: base, sampling: sampling)
        var tree = TokenTree()
        var random = SplitMix(seed: 9)
        for _ in 0..<30 {
            var frontier: [NodeIndex?] = tree.isEmpty ? [nil] : []
            frontier += tree.indices.filter { !tree.children(of: $0).contains { _ in true } && tree.depth(of: $0) < 6 }
                .shuffled(
                    using: &random
                ).prefix(3)
                .map(Optional.some)
            let proposals = try Self.grow(&tree, drafter, at: frontier, width: 3)
            for (node, proposal) in zip(frontier, proposals) {
                let fresh = Self.drafter(transformer)
                try fresh.begin(base: base + tree.tokens(onPathTo: node), sampling: sampling)
                #expect(try fresh.expand(TokenTree(), at: [nil], width: 3)[0] == proposal)
            }
            guard Int.random(in: 0..<3, using: &random) == 0 else { continue }
            let leaf = tree.indices.randomElement(using: &random)
            var committed = tree.tokens(onPathTo: leaf)
            if Bool.random(using: &random) { committed.append(.random(in: 0..<240, using: &random)) }
            let rerooting = tree.reroot(after: committed)
            base += committed
            try drafter.advance(rerooting)
            tree = rerooting.tree
        }
    }

    @Test("A drafter with a new base proposes the same candidates as a fresh one")
    func restart() throws {
        let transformer = try TinyModel.with(weights: .f32).transformer()
        let drafter = Self.drafter(transformer)
        try drafter.begin(base: Self.base, sampling: .greedy)
        _ = try drafter.expand(TokenTree(), at: [nil], width: 2)
        let changed = Self.base.prefix(20) + [1, 2, 3]
        try drafter.begin(base: Array(changed), sampling: .greedy)
        let fresh = Self.drafter(transformer)
        try fresh.begin(base: Array(changed), sampling: .greedy)
        #expect(
            try drafter.expand(TokenTree(), at: [nil], width: 4) == fresh.expand(TokenTree(), at: [nil], width: 4)
        )
    }

    @Test("At the end of its context a drafter proposes nothing")
    func contextEnd() throws {
        var model = TinyModel()
        model.contextLength = 50
        let transformer = try model.transformer()
        let drafter = Self.drafter(transformer)
        try drafter.begin(base: Self.base, sampling: .greedy)
        #expect(try drafter.expand(TokenTree(), at: [nil], width: 2) == [[]])
    }
}
