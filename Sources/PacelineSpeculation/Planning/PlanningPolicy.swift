/// How much a round may cost.
package struct PlanningPolicy: Sendable, Hashable {
    /// The most nodes verified in one round, across all sequences.
    package var nodeBudget: Int
    /// The most nodes of one sequence.
    package var nodesPerSequence: Int
    /// Nodes are verified only if they should raise the tokens per millisecond by this share, because estimates are
    /// noisy and plain decoding is safe.
    package var minimumSpeedUp: Double
    /// How many times longer than in plain decoding one sequence's tokens may be expected to take for the benefit of
    /// the others; at least 1.
    package var slowdownLimit: Double

    package init(
        nodeBudget: Int = 64,
        nodesPerSequence: Int = 64,
        minimumSpeedUp: Double = 0.02,
        slowdownLimit: Double = 1.1
    ) {
        self.nodeBudget = nodeBudget
        self.nodesPerSequence = nodesPerSequence
        self.minimumSpeedUp = minimumSpeedUp
        self.slowdownLimit = slowdownLimit
    }
}
