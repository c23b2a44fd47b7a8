import PacelineSpeculation
import Testing

@Suite("Planner")
struct PlannerTests {
    private let unlimited = PlanningPolicy(minimumSpeedUp: 0, slowdownLimit: .infinity)

    @Test("finds the same best connected node set over all sequences as brute force", arguments: 0..<60)
    func optimal(seed: UInt64) throws {
        var generator = SplitMix(seed: seed)
        let sequences = try (0..<Int.random(in: 1...3, using: &generator)).map { _ in
            try Self.randomCandidate(nodes: 1...4, using: &generator)
        }
        let cost = try Self.randomCost(using: &generator)
        let budget = Int.random(in: 0...12, using: &generator)
        var policy = unlimited
        policy.nodeBudget = budget
        let plan = Planner(policy: policy).plan(sequences, cost: cost)
        let best = Self.bestRate(sequences, budget: budget, cost: cost)
        #expect(abs(plan.rate - best) < 1e-12)
    }

    @Test(
        "where rows cost nothing it fills the budget with the most expected tokens, as TETRIS does",
        arguments: 0..<30
    )
    func budget(seed: UInt64) throws {
        var generator = SplitMix(seed: seed)
        let sequences = try (0..<3).map { _ in try Self.randomCandidate(nodes: 1...4, using: &generator) }
        let flat = try CostCurve([.init(rows: 1, milliseconds: 5), .init(rows: 2, milliseconds: 5)])
        for budget in 0...12 {
            var policy = unlimited
            policy.nodeBudget = budget
            let plan = Planner(policy: policy).plan(sequences, cost: flat)
            #expect(plan.nodeCount <= budget)
            let best = Self.bestRate(sequences, budget: budget, cost: flat) * 5
            #expect(abs(plan.expectedTokens - best) < 1e-9, "a budget of \(budget)")
        }
    }

    @Test("reports the expected tokens and time of its choice", arguments: 0..<40)
    func consistent(seed: UInt64) throws {
        var generator = SplitMix(seed: seed)
        let sequences = try (0..<5).map { _ in try Self.randomCandidate(nodes: 1...30, using: &generator) }
        let cost = try Self.randomCost(using: &generator)
        let plan = Planner(policy: unlimited).plan(sequences, otherRows: 3, cost: cost)
        #expect(plan.rows == 5 + 3 + plan.nodeCount)
        #expect(plan.milliseconds == cost.milliseconds(rows: plan.rows))
        #expect(abs(plan.expectedTokens - Self.expectedTokens(plan.nodes, of: sequences)) < 1e-9)
        for (nodes, sequence) in zip(plan.nodes, sequences) {
            #expect(nodes == nodes.sorted())
            #expect(nodes.allSatisfy { node in sequence.tree[node].parent.map(nodes.contains) ?? true })
        }
    }

    @Test("verifies nothing if the cost is proportional to the rows, and everything if it is constant")
    func extremes() throws {
        var generator = SplitMix(seed: 60)
        let sequences = try (0..<3).map { _ in try Self.randomCandidate(nodes: 5...10, using: &generator) }
        let proportional = try CostCurve([.init(rows: 1, milliseconds: 5), .init(rows: 2, milliseconds: 10)])
        #expect(Planner(policy: unlimited).plan(sequences, cost: proportional).nodeCount == 0)
        let flat = try CostCurve([.init(rows: 1, milliseconds: 5), .init(rows: 2, milliseconds: 5)])
        let possible = sequences.reduce(0) { $0 + $1.tree.count }
        #expect(Planner(policy: unlimited).plan(sequences, cost: flat).nodeCount == possible)
    }

    @Test("expects no fewer tokens per millisecond than plain decoding, in a full batch too", arguments: 0..<60)
    func noHarm(seed: UInt64) throws {
        var generator = SplitMix(seed: seed)
        let count = [1, 4, 16, 40][Int(seed % 4)]
        let sequences = try (0..<count).map { _ in try Self.randomCandidate(nodes: 1...20, using: &generator) }
        let cost = try Self.randomCost(using: &generator)
        for otherRows in [0, 30] {
            let plan = Planner().plan(sequences, otherRows: otherRows, cost: cost)
            let plain = Double(count) / cost.milliseconds(rows: count + otherRows)
            #expect(plan.rate >= plain * (1 - 1e-12))
        }
    }

    @Test("takes fewer nodes for each sequence as the batch fills, and none where each row costs its share")
    func fullBatch() throws {
        // Rows are nearly free up to eight, as while the weights are being read; then each costs its share.
        let cost = try CostCurve([
            .init(rows: 1, milliseconds: 20), .init(rows: 8, milliseconds: 22), .init(rows: 64, milliseconds: 176),
        ])
        let chain = try TokenTree((0..<7).map { .init(parent: $0 == 0 ? nil : $0 - 1, token: 0, logProbability: 0) })
        let likely = Planner.Input(tree: chain, probabilities: Array(repeating: 0.9, count: 7))
        let nodes = [1, 2, 4, 8, 16].map { count in
            Planner().plan(Array(repeating: likely, count: count), cost: cost).nodeCount / count
        }
        #expect(nodes == nodes.sorted(by: >))
        #expect(nodes[0] >= 6)
        #expect(nodes[3...] == [0, 0])
    }

    @Test("looks beyond a step in the cost curve")
    func beyondStep() throws {
        // One more row more than doubles the cost; seven more rows cost hardly more than one does.
        let cost = try CostCurve([
            .init(rows: 1, milliseconds: 18), .init(rows: 2, milliseconds: 42), .init(rows: 8, milliseconds: 47),
        ])
        let chain = try TokenTree((0..<7).map { .init(parent: $0 == 0 ? nil : $0 - 1, token: 0, logProbability: 0) })
        let likely = Planner.Input(tree: chain, probabilities: Array(repeating: 0.9, count: 7))
        #expect(Planner(policy: unlimited).plan([likely], cost: cost).nodeCount == 7)
        let unlikely = Planner.Input(tree: chain, probabilities: Array(repeating: 0.5, count: 7))
        #expect(Planner(policy: unlimited).plan([unlikely], cost: cost).nodeCount == 0)
    }

    @Test("keeps to its budgets", arguments: 0..<20)
    func budgets(seed: UInt64) throws {
        var generator = SplitMix(seed: seed)
        let sequences = try (0..<4).map { _ in try Self.randomCandidate(nodes: 10...30, using: &generator) }
        let flat = try CostCurve([.init(rows: 1, milliseconds: 5), .init(rows: 100, milliseconds: 5.1)])
        let policy = PlanningPolicy(nodeBudget: 13, nodesPerSequence: 5, minimumSpeedUp: 0, slowdownLimit: .infinity)
        let plan = Planner(policy: policy).plan(sequences, cost: flat)
        #expect(plan.nodeCount == 13)
        #expect(plan.nodes.allSatisfy { $0.count <= 5 })
    }

    @Test("never slows a sequence for the others beyond the limit", arguments: 0..<60)
    func slowdown(seed: UInt64) throws {
        var generator = SplitMix(seed: seed)
        let sequences = try (0..<4).map { _ in try Self.randomCandidate(nodes: 1...12, using: &generator) }
        let cost = try Self.randomCost(using: &generator)
        let limit = [1, 1.1, 2][Int(seed % 3)]
        let policy = PlanningPolicy(minimumSpeedUp: 0, slowdownLimit: limit)
        let plan = Planner(policy: policy).plan(sequences, cost: cost)
        for (sequence, nodes) in zip(sequences, plan.nodes) {
            let tokens = Self.expectedTokens([nodes], of: [sequence])
            #expect(plan.milliseconds / tokens <= cost.milliseconds(rows: 4) * limit * (1 + 1e-12))
        }
    }

    @Test("requires a gain that outweighs the uncertainty")
    func minimumSpeedUp() throws {
        let cost = try CostCurve([.init(rows: 1, milliseconds: 10), .init(rows: 2, milliseconds: 14)])
        let tree = try TokenTree([.init(parent: nil, token: 0, logProbability: 0)])
        let candidate = Planner.Input(tree: tree, probabilities: [0.45])
        func count(_ speedUp: Double) -> Int {
            let policy = PlanningPolicy(minimumSpeedUp: speedUp)
            return Planner(policy: policy).plan([candidate], cost: cost).nodeCount
        }
        #expect(count(0.03) == 1)
        #expect(count(0.04) == 0)
    }

    @Test("breaks ties by sequence and node, so that equal inputs give equal plans")
    func ties() throws {
        let flat = try CostCurve([.init(rows: 1, milliseconds: 5), .init(rows: 100, milliseconds: 5.1)])
        let tree = try TokenTree((0..<4).map { .init(parent: nil, token: $0, logProbability: -1) })
        let candidate = Planner.Input(tree: tree, probabilities: Array(repeating: 0.5, count: 4))
        let policy = PlanningPolicy(nodeBudget: 6, minimumSpeedUp: 0, slowdownLimit: .infinity)
        let plan = Planner(policy: policy).plan([candidate, candidate], cost: flat)
        #expect(plan.nodes == [[0, 1, 2, 3], [0, 1]])
    }

    @Test("plans nothing without sequences, and ignores nodes with a missing or invalid probability")
    func degenerate() throws {
        let flat = try CostCurve([.init(rows: 1, milliseconds: 5), .init(rows: 100, milliseconds: 5.1)])
        #expect(Planner().plan([], cost: flat) == Plan(nodes: [], expectedTokens: 0, rows: 0, milliseconds: 0))
        let tree = try TokenTree((0..<4).map { .init(parent: nil, token: $0, logProbability: -1) })
        let candidate = Planner.Input(tree: tree, probabilities: [.nan, -1, 7])
        let plan = Planner().plan([candidate], cost: flat)
        #expect(plan.nodes == [[2]])
        #expect(plan.expectedTokens == 2)
    }

    @Test("the marginal probability is where one more node no longer pays")
    func marginal() throws {
        let cost = try CostCurve([.init(rows: 1, milliseconds: 10), .init(rows: 101, milliseconds: 110)])
        let tree = try TokenTree([.init(parent: nil, token: 1, logProbability: -0.1)])
        let plan = Planner().plan([Planner.Input(tree: tree, probabilities: [0.9])], cost: cost)
        #expect(plan.nodeCount == 1)
        let longer = cost.milliseconds(rows: 3)
        #expect(abs((plan.expectedTokens + plan.marginalProbability) / longer - plan.rate) < 1e-12)
    }

    @Test("the marginal probability is at least that of the best node left out")
    func leftOut() throws {
        let flat = try CostCurve([.init(rows: 1, milliseconds: 5), .init(rows: 100, milliseconds: 5)])
        let tree = try TokenTree((0..<4).map { .init(parent: nil, token: $0, logProbability: -1) })
        let candidate = Planner.Input(tree: tree, probabilities: [0.4, 0.3, 0.2, 0.1])
        let plan = Planner(policy: PlanningPolicy(nodeBudget: 2)).plan([candidate], cost: flat)
        #expect(plan.nodes == [[0, 1]])
        #expect(plan.marginalProbability == 0.2)
        #expect(Planner().plan([candidate], cost: flat).marginalProbability == 0)
    }

    @Test("after a step of the cost curve, a row costs its share among several")
    func steps() throws {
        let cost = try CostCurve([
            .init(rows: 1, milliseconds: 10), .init(rows: 2, milliseconds: 20), .init(rows: 9, milliseconds: 20),
        ])
        #expect(cost.extraMilliseconds(after: 1) == 10.0 / 16)
        #expect(cost.extraMilliseconds(after: 2) == 0)
    }
}

extension PlannerTests {
    private static func randomCandidate(
        nodes: ClosedRange<Int>,
        using generator: inout SplitMix
    ) throws -> Planner.Input {
        let tree = try TokenTree.random(RandomTreeShape(nodes: nodes), using: &generator)
        let probabilities = tree.map { _ in Double.random(in: 0.05...1, using: &generator) }
        return Planner.Input(tree: tree, probabilities: probabilities)
    }

    private static func randomCost(using generator: inout SplitMix) throws -> CostCurve {
        var milliseconds = 10.0
        return try CostCurve(
            (1...16).map { rows in
                milliseconds += Double.random(in: 0...1, using: &generator) < 0.3 ? 6 : 0.5
                return .init(rows: rows, milliseconds: milliseconds)
            }
        )
    }

    private static func expectedTokens(_ nodes: [[NodeIndex]], of sequences: [Planner.Input]) -> Double {
        zip(nodes, sequences).reduce(0) { sum, pair in
            let (nodes, sequence) = pair
            let probabilities = nodes.map { node in
                sequence.tree.path(to: node).reduce(1) { $0 * sequence.probabilities[$1] }
            }
            return probabilities.reduce(sum + 1, +)
        }
    }

    /// The maximum over all connected sets of at most `budget` nodes.
    private static func bestRate(_ sequences: [Planner.Input], budget: Int, cost: CostCurve) -> Double {
        func choices(_ tree: TokenTree) -> [[NodeIndex]] {
            (0..<(1 << tree.count)).compactMap { mask in
                let nodes = tree.indices.filter { mask >> $0 & 1 == 1 }
                return nodes.allSatisfy { node in tree[node].parent.map(nodes.contains) ?? true } ? nodes : nil
            }
        }
        let combinations = sequences.reduce([[]]) { (partial: [[[NodeIndex]]], sequence) in
            partial.flatMap { chosen in choices(sequence.tree).map { chosen + [$0] } }
        }
        let rates = combinations.compactMap { nodes -> Double? in
            let count = nodes.reduce(0) { $0 + $1.count }
            guard count <= budget else { return nil }
            return expectedTokens(nodes, of: sequences) / cost.milliseconds(rows: sequences.count + count)
        }
        return rates.max() ?? 0
    }
}
