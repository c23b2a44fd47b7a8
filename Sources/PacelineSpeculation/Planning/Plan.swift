/// The nodes that one round verifies, and the expected result.
package struct Plan: Sendable, Hashable {
    /// The chosen nodes of each planned sequence, in the order of the sequences; ascending and connected to the base.
    package var nodes: [[NodeIndex]]
    /// The expected number of tokens that the round emits, corrections included.
    package var expectedTokens: Double
    /// The rows of the pass: the chosen nodes and all other rows.
    package var rows: Int
    /// The expected milliseconds of the pass.
    package var milliseconds: Double

    /// The path probability below which one more node would not pay.
    ///
    /// It must earn its time at the plan's rate, and be more probable than the best node that was left out.
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
