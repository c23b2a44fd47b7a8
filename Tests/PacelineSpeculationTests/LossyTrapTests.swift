import PacelineSpeculation
import Testing

/// What goes wrong in the p/q family when a draft is not what a rule asks for. Each trap must be seen to change the law
/// on some scenario: so these tests show that the exactness tests can fail, and why sample-match is the default.
@Suite("Lossy traps")
struct LossyTrapTests {
    @Test("a worker that misstates its law")
    func misstatedLaw() throws {
        let worst = try worstDistance { scenario, chance in
            let law = scenario.draftLaw(after: [])
            let stated = try #require(Law(weights: law.probabilities.map { 0.8 * $0 + 0.2 / 3 }))
            let node = SampledTree.Node(parent: nil, token: chance.token(from: law), law: stated)
            return try SampledTree([node], replacement: .with)
        }
        #expect(worst > 0.02)
    }

    @Test("dropping a drawn token for being improbable")
    func droppedToken() throws {
        let worst = try worstDistance { scenario, chance in
            let law = scenario.draftLaw(after: [])
            let node = SampledTree.Node(parent: nil, token: chance.token(from: law), law: law)
            return try SampledTree(law[node.token] < 0.35 ? [] : [node], replacement: .with)
        }
        #expect(worst > 0.05)
    }

    @Test("sorting siblings drawn without replacement by probability")
    func sortedSiblings() throws {
        let worst = try worstDistance { scenario, chance in
            let tree = try scenario.drawTree(TreeShape(widths: [2]), replacement: .without, chance: &chance)
            let sorted = tree.nodes.sorted { $0.law[$0.token] > $1.law[$1.token] }
            return try SampledTree(sorted, replacement: .without)
        }
        #expect(worst > 0.05)
    }

    @Test("testing siblings drawn without replacement as if drawn with it")
    func wrongReplacement() throws {
        let worst = try worstDistance { scenario, chance in
            let tree = try scenario.drawTree(TreeShape(widths: [2]), replacement: .without, chance: &chance)
            return try SampledTree(tree.nodes, replacement: .with)
        }
        #expect(worst > 0.01)
    }

    @Test("testing the most probable tokens as if they had been drawn")
    func deterministicTokens() throws {
        let worst = try worstDistance { scenario, _ in
            let law = scenario.draftLaw(after: [])
            let best = (0..<Token(3)).sorted { law[$0] > law[$1] }.prefix(2)
            return try SampledTree(best.map { .init(parent: nil, token: $0, law: law) }, replacement: .without)
        }
        #expect(worst > 0.2)
    }

    @Test("none of them harms sample-match, which is exact for trees that depend on the tokens in any way")
    func sampleMatchIsImmune() throws {
        for seed in 0..<20 {
            let scenario = RejectionScenario(seed: UInt64(seed), vocabulary: 3)
            let distance = try scenario.distance(length: 3) { chance in
                // Drawn, pruned, sorted and partly made up.
                let law = scenario.draftLaw(after: [])
                let first = chance.token(from: law)
                var tree = TokenTree()
                try tree.insert(.init(parent: nil, token: (first + 1) % 3, logProbability: 0))
                if law[first] > 0.3 {
                    let node = try tree.insert(.init(parent: nil, token: first, logProbability: -9)).index
                    try tree.insert(.init(parent: node, token: chance.token(from: law), logProbability: -1))
                }
                let verdict = SampleMatch().verdict(on: tree) { node in
                    chance.token(from: scenario.targetLaw(after: tree.tokens(onPathTo: node)))
                }
                return verdict.tokens
            }
            #expect(distance < 1e-12)
        }
    }

    /// The largest distance that recursive rejection has from the target's law, over some scenarios.
    private func worstDistance(
        draw: (RejectionScenario, inout EnumeratedChance) throws -> SampledTree
    ) throws -> Double {
        try (0..<UInt64(20)).map { seed in
            let scenario = RejectionScenario(seed: seed, vocabulary: 3)
            return try scenario.distance(length: 1) { chance in
                let tree = try draw(scenario, &chance)
                return scenario.emit(RecursiveRejection(), tree, chance: &chance)
            }
        }.max() ?? 0
    }
}
