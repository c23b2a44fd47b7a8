/// How trees are drafted and how much is generated when methods are compared.
package struct MethodBudget: Sendable, Hashable {
    /// Nodes that a pass verifies.
    package var nodes: Int
    package var depth: Int
    package var width: Int
    /// Tokens to generate for each prompt, at most.
    package var tokens: Int
    /// What shapes trees; nil for best-first growth.
    package var planner: PlannerSettings?
    /// What decides about trees.
    package var acceptance: AcceptanceName

    package init(
        nodes: Int = 16,
        depth: Int = 8,
        width: Int = 3,
        tokens: Int = 128,
        planner: PlannerSettings? = nil,
        acceptance: AcceptanceName = .sampleMatch
    ) {
        self.nodes = nodes
        self.depth = depth
        self.width = width
        self.tokens = tokens
        self.planner = planner
        self.acceptance = acceptance
    }

    /// Drafters may grow twice as many nodes as a pass verifies, and grow as long as they can: they have no clock.
    package var policy: GrowthPolicy {
        GrowthPolicy(
            nodes: 2 * nodes,
            verified: nodes,
            minimumProbability: 0,
            depth: depth,
            width: width,
            minimumGain: 0,
            planner: shaping
        )
    }

    /// What shapes grown trees. A rule for chains has no use for anything else.
    private var shaping: PlannerSettings? {
        let isFree = planner == nil || planner?.name == .bestFirst
        return acceptance.drafts == .chain && isFree ? try? PlannerSettings("chain:length=\(depth)") : planner
    }

    /// The nodes that a pass verifies, of all that were drafted: the planner's choice, or the most probable paths.
    func chosen(from tree: TokenTree) -> TokenTree {
        shaping?.makePlanner()?.selection(of: tree, nodes: nodes) ?? tree.subtree(keeping: nodes).tree
    }
}
