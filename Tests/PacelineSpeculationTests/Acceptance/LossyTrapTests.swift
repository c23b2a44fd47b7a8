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
            let stated = try #require(TokenDistribution(weights: law.probabilities.map { 0.8 * $0 + 0.2 / 3 }))
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

    @Test("accepting whatever scores above a threshold, as Algorithm 1 of the survey (arXiv 2411.13157) reads")
    func thresholdRule() throws {
        let worst = try worstDistance(ThresholdRule(threshold: 0.3)) { scenario, chance in
            try scenario.drawTree(TreeShape(widths: [1]), replacement: .with, chance: &chance)
        }
        #expect(worst > 0.2)
    }

    @Test("block verification that accepts a prefix with its weight alone")
    func simplifiedBlock() throws {
        let worst = try worstDistance(WeightOnlyBlock(), length: 2) { scenario, chance in
            try scenario.drawTree(TreeShape(widths: [1, 1]), replacement: .with, chance: &chance)
        }
        #expect(worst > 0.05)
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

    /// The largest distance that what `rule` emits has from the target's law, over some scenarios.
    private func worstDistance(
        _ rule: some RejectionRule = RecursiveRejection(),
        length: Int = 1,
        draw: (RejectionScenario, inout EnumeratedChance) throws -> SampledTree
    ) throws -> Double {
        try (0..<UInt64(20)).map { seed in
            let scenario = RejectionScenario(seed: seed, vocabulary: 3)
            return try scenario.distance(length: length) { chance in
                let tree = try draw(scenario, &chance)
                return scenario.emit(rule, tree, chance: &chance)
            }
        }.max() ?? 0
    }
}

/// Takes the first child whose p/q reaches a threshold, and the target's own token otherwise.
private struct ThresholdRule: RejectionRule {
    let threshold: Double

    func verdict<Failure: Error, Source: Chance>(
        on tree: SampledTree,
        target: (NodeIndex?) throws(Failure) -> TokenDistribution,
        chance: inout Source
    ) throws(Failure) -> Verdict {
        let law = try target(nil)
        for child in tree.children(of: nil) {
            let node = tree.nodes[child]
            guard law[node.token] / node.law[node.token] >= threshold else { continue }
            return Verdict(path: [child], accepted: [node.token], correction: chance.token(from: try target(child)))
        }
        return Verdict(path: [], accepted: [], correction: chance.token(from: law))
    }
}

/// Block verification of a chain of two with acceptance probabilities P_i in place of S_i / (S_i + 1 - P_i).
private struct WeightOnlyBlock: RejectionRule {
    func verdict<Failure: Error, Source: Chance>(
        on tree: SampledTree,
        target: (NodeIndex?) throws(Failure) -> TokenDistribution,
        chance: inout Source
    ) throws(Failure) -> Verdict {
        var weights = [1.0]
        var laws = [try target(nil)]
        for (index, node) in tree.nodes.enumerated() {
            weights.append(min(1, weights[index] * laws[index][node.token] / node.law[node.token]))
            laws.append(try target(index))
        }
        let kept = (1..<weights.count).last { chance.happens(withProbability: weights[$0]) } ?? 0
        var law = laws[kept]
        if kept < tree.nodes.count {
            let draft = tree.nodes[kept].law
            let rest = law.probabilities.indices.map { token in
                max(0, weights[kept] * law.probabilities[token] - draft.probabilities[token])
            }
            law = TokenDistribution(weights: rest) ?? law
        }
        let path = Array(0..<kept)
        return Verdict(path: path, accepted: path.map { tree.nodes[$0].token }, correction: chance.token(from: law))
    }
}
