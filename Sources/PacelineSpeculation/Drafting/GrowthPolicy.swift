/// What a grown tree may cost and when growing stops to pay. Set by whoever plans the worker's drafting; may change
/// between steps.
package struct GrowthPolicy: Sendable, Hashable {
    /// The most nodes the tree may hold; usually the worker's credit. A few times `verified`, since the most probable
    /// nodes are only known once less probable ones have been tried.
    package var nodes: Int
    /// How many nodes the verifier is expected to check in a round: a path less probable than the best this many adds
    /// nothing.
    package var verified: Int
    /// Paths less probable than this wait in reserve: a node below the verifier's marginal cost is not worth its
    /// share of the credit, but may become so when the base grows towards it.
    package var minimumProbability: Double
    /// The deepest node.
    package var depth: Int
    /// Children asked for per expanded node.
    package var width: Int
    /// Nodes expanded in one step.
    package var batch: Int
    /// Growing stops when a step promises to add fewer expected tokens than this.
    package var minimumGain: Double
    package var shard: OutcomeShard

    package init(
        nodes: Int = 128,
        verified: Int = 32,
        minimumProbability: Double = 0.02,
        depth: Int = 16,
        width: Int = 4,
        batch: Int = 4,
        minimumGain: Double = 0.02,
        shard: OutcomeShard = .whole
    ) {
        self.nodes = nodes
        self.verified = verified
        self.minimumProbability = minimumProbability
        self.depth = depth
        self.width = width
        self.batch = batch
        self.minimumGain = minimumGain
        self.shard = shard
    }
}
