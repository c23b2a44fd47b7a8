/// What planners that go by measurements know of the target, the drafter and the load.
package struct PlannerMeasurements: Sendable, Hashable {
    /// By rank among siblings: how often that child is the one accepted.
    package var acceptance: [Double]
    /// The time of passes; nil if it was not measured, and then the largest tree counts as the best.
    package var costs: CostCurve?
    /// Milliseconds of a draft step.
    package var draftMilliseconds: Double
    /// Rows that other sequences have in the same pass.
    package var otherRows: Int

    /// - Parameter acceptance: unless measured, about what a drafter a third of the target's size reaches on text.
    package init(
        acceptance: [Double] = [0.7, 0.1, 0.05, 0.03, 0.02, 0.02, 0.01, 0.01],
        costs: CostCurve? = nil,
        draftMilliseconds: Double = 0,
        otherRows: Int = 0
    ) {
        (self.acceptance, self.costs) = (acceptance, costs)
        (self.draftMilliseconds, self.otherRows) = (draftMilliseconds, otherRows)
    }

    /// The expected tokens in a millisecond of one sequence that drafts in some steps and verifies some nodes; without
    /// a cost curve, the expected tokens.
    package func rate(tokens: Double, steps: Int, nodes: Int) -> Double {
        guard let costs else { return tokens }
        let time = Double(steps) * draftMilliseconds + costs.milliseconds(rows: nodes + 1 + max(0, otherRows))
        return time > 0 ? tokens / time : 0
    }
}

/// Counts how often the target took the child of each rank: what Sequoia calls the acceptance vector.
package struct RankStatistics: Sendable, Hashable {
    /// How many nodes with children were visited.
    package private(set) var visits = 0
    /// By rank: how often the target took that child.
    package private(set) var taken: [Int] = []

    package init() {}

    /// Learns from a verdict; children are ranked in their order in the tree.
    package mutating func learn(from verdict: Verdict, on tree: TokenTree) {
        var node: NodeIndex?
        for token in verdict.tokens {
            let children = Array(tree.children(of: node))
            guard !children.isEmpty else { return }
            visits += 1
            guard let rank = children.firstIndex(where: { tree.token(of: $0) == token }) else { return }
            if rank >= taken.count { taken += repeatElement(0, count: rank + 1 - taken.count) }
            taken[rank] += 1
            node = children[rank]
        }
    }

    /// By rank: the share of visits in which the target took that child; empty before the first.
    package var shares: [Double] { taken.map { Double($0) / Double(max(1, visits)) } }
}
