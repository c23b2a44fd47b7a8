/// Which nodes one round verifies, and what is expected of it.
package struct Plan: Sendable, Hashable {
    /// For each sequence that was planned, in their order: the chosen nodes, ascending and connected to the base.
    package var nodes: [[NodeIndex]]
    /// The expected number of tokens that the round emits, corrections included.
    package var expectedTokens: Double
    /// The rows of the pass: chosen nodes and all that is in the pass anyway.
    package var rows: Int
    /// The expected milliseconds of the pass.
    package var milliseconds: Double

    /// The path probability below which one more node is not worth its place: by the time it takes at the plan's rate,
    /// and by that of the best node that was left out.
    package var marginalProbability: Double

    package init(
        nodes: [[NodeIndex]],
        expectedTokens: Double,
        rows: Int,
        milliseconds: Double,
        marginalProbability: Double = 0
    ) {
        self.nodes = nodes
        self.expectedTokens = expectedTokens
        self.rows = rows
        self.milliseconds = milliseconds
        self.marginalProbability = marginalProbability
    }

    /// The number of chosen nodes.
    package var nodeCount: Int { nodes.reduce(0) { $0 + $1.count } }

    /// Expected tokens per millisecond.
    package var rate: Double { milliseconds > 0 ? expectedTokens / milliseconds : 0 }
}
