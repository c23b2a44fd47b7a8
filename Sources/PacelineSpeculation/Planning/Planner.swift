/// Chooses the nodes that a round verifies: across all R running sequences, the set with the most expected tokens per
/// millisecond. The set may be empty.
///
/// With sample-match a sequence emits one token and, for every node, one more with the probability of the node's path.
/// So the best n nodes are the n most probable paths of all trees together, which are connected. The best n maximises
/// (R + sum of path probabilities) / T(rows + n) (DSpark's scheduler, arXiv 2607.05147; OPT-Tree, arXiv 2406.17276).
/// DSpark must stop at the first fall to stay exact under p/q rejection. This planner tries every n up to the budget:
/// its choice cannot affect the output, and real cost curves have steps.
package struct Planner: Sendable {
    /// A running sequence's tree, with calibrated probabilities.
    package struct Input: Sendable {
        package var tree: TokenTree
        /// For each node, the probability (0 to 1) that the target takes its token after reaching its parent. Nodes
        /// without an entry count as impossible.
        package var probabilities: [Double]

        package init(tree: TokenTree, probabilities: [Double]) {
            self.tree = tree
            self.probabilities = probabilities
        }

        /// A tree with one worker's reports, calibrated.
        package init(tree: TokenTree, calibration: Calibration) {
            self.tree = tree
            probabilities = tree.indices.map { node in
                calibration.probability(logProbability: tree[node].logProbability, depth: tree.depth(of: node))
            }
        }
    }

    package var policy: PlanningPolicy

    package init(policy: PlanningPolicy = PlanningPolicy()) {
        self.policy = policy
    }

    /// Plans a round.
    ///
    /// - Parameters:
    ///   - sequences: the sequences that get a token in this round, each with its tree, which may be empty.
    ///   - otherRows: prompt tokens: rows in addition to one per sequence and the nodes.
    ///   - cost: the time of passes by number of rows.
    ///   - extraLimit: milliseconds by which the round may exceed a round without nodes.
    package func plan(
        _ sequences: [Input],
        otherRows: Int = 0,
        cost: CostCurve,
        extraLimit: Double = .infinity
    ) -> Plan {
        var search = PlanSearch(
            sequences: sequences,
            policy: policy,
            otherRows: otherRows,
            cost: cost,
            extraLimit: extraLimit
        )
        return search.run()
    }
}
