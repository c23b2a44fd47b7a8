/// How trees are drafted and how much is generated when methods are compared.
package struct MethodBudget: Sendable, Hashable {
    /// Nodes that a pass verifies.
    package var nodes: Int
    package var depth: Int
    package var width: Int
    /// Tokens to generate for each prompt, at most.
    package var tokens: Int

    package init(nodes: Int = 16, depth: Int = 8, width: Int = 3, tokens: Int = 128) {
        self.nodes = nodes
        self.depth = depth
        self.width = width
        self.tokens = tokens
    }

    /// Drafters may grow twice as many nodes as a pass verifies, and grow as long as they can: they have no clock.
    package var policy: GrowthPolicy {
        GrowthPolicy(
            nodes: 2 * nodes,
            verified: nodes,
            minimumProbability: 0,
            depth: depth,
            width: width,
            minimumGain: 0
        )
    }
}
