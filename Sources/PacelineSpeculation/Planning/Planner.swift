/// Chooses the nodes that a round verifies: across all running sequences, the set with the most expected tokens per
/// millisecond. It may be empty.
///
/// With sample-match a sequence emits one token and, for every node, one more with the probability of the node's path.
/// So the best n nodes are the n most probable paths of all trees together, which are connected; and the best n is the
/// one where (R + sum of path probabilities) / T(rows + n) is largest (DSpark's scheduler, arXiv 2607.05147; OPT-Tree,
/// arXiv 2406.17276). Unlike DSpark, which must stop at the first fall to stay exact under p/q rejection, every n up to
/// the budget is tried: nothing the planner does enters the law, and real cost curves have steps.
package struct Planner: Sendable {
    /// A running sequence's tree, with calibrated probabilities.
    package struct Input: Sendable {
        package var tree: TokenTree
        /// For each node, the probability that the target takes its token once it comes to its parent; 0 to 1. Nodes
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
    ///   - otherRows: rows of the pass besides one per sequence and the nodes: prompt tokens.
    ///   - cost: what passes take.
    ///   - extraLimit: milliseconds by which the round may take longer than without any node.
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
