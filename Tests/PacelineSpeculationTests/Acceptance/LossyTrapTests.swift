import PacelineSpeculation
import Testing

/// What goes wrong in the p/q family when a draft violates a rule's conditions. Each trap must change the output's
/// distribution in some scenario, where the right way is exact in all of them. So these tests show that the exactness
/// tests can fail, and why sample-match is the default.
@Suite("Lossy traps")
struct LossyTrapTests {
    private static let exact = 1e-12

    @Test("a worker that misreports its distribution")
    func misstatedLaw() throws {
        func worst(share: Double) throws -> Double {
            try worstDistance { scenario, chance in
                let law = scenario.draftLaw(after: [])
                let weights = law.probabilities.map { (1 - share) * $0 + share / 3 }
                let stated = try #require(TokenDistribution(weights: weights))
                let node = SampledTree.Node(parent: nil, token: chance.token(from: law), law: stated)
                return try SampledTree([node], replacement: .with)
            }
        }
        #expect(try worst(share: 0.2) > 0.02)
        #expect(try worst(share: 0) < Self.exact)
    }

    @Test("dropping a drawn token because it is improbable; to stop after it is exact")
    func droppedToken() throws {
        func worst(keepsLast: Bool) throws -> Double {
            try worstDistance(length: 2) { scenario, chance in
                var nodes: [SampledTree.Node] = []
                var path: [Token] = []
                for depth in 0..<2 {
                    let law = scenario.draftLaw(after: path)
                    let token = chance.token(from: law)
                    let isImprobable = law[token] < 0.35
                    if isImprobable, !keepsLast { break }
                    nodes.append(.init(parent: depth == 0 ? nil : 0, token: token, law: law))
                    if isImprobable { break }
                    path.append(token)
                }
                return try SampledTree(nodes, replacement: .with)
            }
        }
        #expect(try worst(keepsLast: false) > 0.05)
        #expect(try worst(keepsLast: true) < Self.exact)
    }

    @Test("pruning a drawn child by its own probability; to decide before the draw is exact")
    func prunedChild() throws {
        let pruned = try worstDistance { scenario, chance in
            let tree = try scenario.drawTree(TreeShape(widths: [2]), replacement: .without, chance: &chance)
            return try SampledTree(tree.nodes.filter { $0.law[$0.token] >= 0.3 }, replacement: .without)
        }
        let decided = try worstDistance { scenario, chance in
            // A second child only where the drafter is undecided, whatever the first one is.
            let isSure = (scenario.draftLaw(after: []).probabilities.max() ?? 0) > 0.6
            let shape = TreeShape(widths: [isSure ? 1 : 2])
            return try scenario.drawTree(shape, replacement: .without, chance: &chance)
        }
        #expect(pruned > 0.05)
        #expect(decided < Self.exact)
    }

    @Test("sorting siblings drawn without replacement by probability")
    func sortedSiblings() throws {
        func worst(sorts: Bool) throws -> Double {
            try worstDistance { scenario, chance in
                let tree = try scenario.drawTree(TreeShape(widths: [2]), replacement: .without, chance: &chance)
                let sorted = tree.nodes.sorted { $0.law[$0.token] > $1.law[$1.token] }
                return try SampledTree(sorts ? sorted : tree.nodes, replacement: .without)
            }
        }
        #expect(try worst(sorts: true) > 0.05)
        #expect(try worst(sorts: false) < Self.exact)
    }

    @Test("testing siblings drawn without replacement as if drawn with replacement")
    func wrongReplacement() throws {
        func worst(as replacement: SampledTree.Replacement) throws -> Double {
            try worstDistance { scenario, chance in
                let tree = try scenario.drawTree(TreeShape(widths: [2]), replacement: .without, chance: &chance)
                return try SampledTree(tree.nodes, replacement: replacement)
            }
        }
        #expect(try worst(as: .with) > 0.01)
        #expect(try worst(as: .without) < Self.exact)
    }

    @Test("testing the most probable tokens as if they had been drawn")
    func deterministicTokens() throws {
        let worst = try worstDistance { scenario, _ in
            let law = scenario.draftLaw(after: [])
            let best = (0..<Token(3)).sorted { law[$0] > law[$1] }.prefix(2)
            return try SampledTree(best.map { .init(parent: nil, token: $0, law: law) }, replacement: .without)
        }
        #expect(worst > 0.2)
        let drawn = try worstDistance { scenario, chance in
            try scenario.drawTree(TreeShape(widths: [2]), replacement: .without, chance: &chance)
        }
        #expect(drawn < Self.exact)
    }

    @Test("accepting every token above a threshold, as in Algorithm 1 of the survey (arXiv 2411.13157)")
    func thresholdRule() throws {
        func worst(_ rule: some RejectionRule) throws -> Double {
            try worstDistance(rule) { scenario, chance in
                try scenario.drawTree(TreeShape(widths: [1]), replacement: .with, chance: &chance)
            }
        }
        #expect(try worst(ThresholdRule(threshold: 0.3)) > 0.2)
        #expect(try worst(RecursiveRejection()) < Self.exact)
    }

    @Test("block verification that accepts a prefix with its weight alone")
    func simplifiedBlock() throws {
        func worst(_ rule: some RejectionRule) throws -> Double {
            try worstDistance(rule, length: 2) { scenario, chance in
                try scenario.drawTree(TreeShape(widths: [1, 1]), replacement: .with, chance: &chance)
            }
        }
        #expect(try worst(WeightOnlyBlock()) > 0.05)
        #expect(try worst(BlockVerification()) < Self.exact)
    }

    @Test("traversal that updates the parent by the share of the draft that is left")
    func simplifiedTraversal() throws {
        func worst(_ rule: some RejectionRule) throws -> Double {
            try worstDistance(rule, length: 2) { scenario, chance in
                try scenario.drawTree(TreeShape(widths: [2, 1]), replacement: .without, chance: &chance)
            }
        }
        #expect(try worst(DraftShareTraversal()) > 0.01)
        #expect(try worst(TraversalVerification()) < Self.exact)
    }

    @Test("no trap harms sample-match, which is exact however trees depend on the tokens")
    func sampleMatchIsImmune() throws {
        for seed in 0..<20 {
            let scenario = RejectionScenario(seed: UInt64(seed), vocabulary: 3)
            let distance = try scenario.distance(length: 3) { chance in
                // Drawn, pruned, sorted and partly invented.
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

    /// The largest distance over some scenarios between the distribution of `rule`'s output and the target's.
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

/// Traversal verification whose update of a parent divides the rest's mass S by what the draft has left, in place of
/// S / (S + 1 - a).
private struct DraftShareTraversal: RejectionRule {
    private struct State {
        var acceptance: Double
        var law: TokenDistribution
        var drawn: [Token] = []
    }

    func verdict<Failure: Error, Source: Chance>(
        on tree: SampledTree,
        target: (NodeIndex?) throws(Failure) -> TokenDistribution,
        chance: inout Source
    ) throws(Failure) -> Verdict {
        var path: [(node: NodeIndex?, state: State)] = [(nil, State(acceptance: 1, law: try target(nil)))]
        while true {
            let (node, state) = path[path.count - 1]
            let children = tree.children(of: node)
            if state.drawn.count < children.count {
                let child = tree.nodes[children[state.drawn.count]]
                let draft = child.law.excluding(state.drawn) ?? child.law
                let acceptance = min(1, state.acceptance * state.law[child.token] / draft[child.token])
                let law = try target(children[state.drawn.count])
                path.append((children[state.drawn.count], State(acceptance: acceptance, law: law)))
            } else if let node, !chance.happens(withProbability: state.acceptance) {
                path.removeLast()
                Self.reject(tree.nodes[node], in: &path[path.count - 1].state)
            } else {
                let nodes = path.compactMap(\.node)
                let accepted = nodes.map { tree.nodes[$0].token }
                return Verdict(path: nodes, accepted: accepted, correction: chance.token(from: state.law))
            }
        }
    }

    private static func reject(_ child: SampledTree.Node, in state: inout State) {
        let draft = child.law.excluding(state.drawn) ?? child.law
        let rest = state.law.probabilities.indices.map { token in
            max(0, state.acceptance * state.law.probabilities[token] - draft.probabilities[token])
        }
        state.drawn.append(child.token)
        let left = 1 - state.drawn.reduce(0) { $0 + child.law[$1] }
        if left > 0 { state.acceptance = min(1, rest.reduce(0, +) / left) }
        state.law = TokenDistribution(weights: rest) ?? state.law
    }
}
