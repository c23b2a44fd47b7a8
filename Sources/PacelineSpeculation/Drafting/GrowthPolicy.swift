/// How large a tree may grow, and when growing no longer pays. May change between steps.
package struct GrowthPolicy: Sendable, Hashable {
    /// The most nodes the tree may hold; usually the worker's credit. A few times `verified`, because the most probable
    /// nodes are known only after less probable ones have been tried.
    package var nodes: Int
    /// How many nodes the verifier is expected to check per round. Less probable paths than the best of this number
    /// add nothing.
    package var verified: Int
    /// Less probable paths wait in reserve. A node below the verifier's marginal cost is not worth its share of the
    /// credit, but may be once the base has grown towards it.
    package var minimumProbability: Double
    /// The greatest depth of a node.
    package var depth: Int
    /// Children to ask for per expanded node.
    package var width: Int
    /// Nodes to expand in one step.
    package var batch: Int
    /// Growing stops when a step is expected to add fewer accepted tokens than this.
    package var minimumGain: Double
    package var shard: OutcomeShard
    /// What shapes the tree in place of the rules above, of which only `nodes` and `depth` then hold; nil for none.
    package var planner: PlannerSettings?

    package init(
        nodes: Int = 128,
        verified: Int = 32,
        minimumProbability: Double = 0.02,
        depth: Int = 16,
        width: Int = 4,
        batch: Int = 4,
        minimumGain: Double = 0.02,
        shard: OutcomeShard = .whole,
        planner: PlannerSettings? = nil
    ) {
        self.nodes = nodes
        self.verified = verified
        self.minimumProbability = minimumProbability
        self.depth = depth
        self.width = width
        self.batch = batch
        self.minimumGain = minimumGain
        self.shard = shard
        self.planner = planner
    }
}
