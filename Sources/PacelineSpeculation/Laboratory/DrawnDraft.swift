/// Draws the trees of one sequence from a drafter's distributions, for the p/q rules.
///
/// A tree is drawn anew in each round: what survived of an earlier one would not be independent of the verdicts.
struct DrawnDraft {
    private var drafter: any DistributionDrafter
    private let shape: DrawnShape
    private let chance: UniformChance
    /// How many tokens the base has.
    private var length: Int

    init(
        _ drafter: any DistributionDrafter,
        shape: DrawnShape,
        base: [Token],
        sampling: SamplingParameters,
        chance: UniformChance
    ) throws {
        (self.drafter, self.shape, self.chance) = (drafter, shape, chance)
        length = base.count
        try self.drafter.begin(base: base, sampling: sampling, constraint: nil)
    }

    /// Draws a tree; an empty one where the drafter's context is full.
    mutating func draw() throws -> DraftedTree {
        guard length + shape.depth <= drafter.contextLength else { return DraftedTree() }
        var (pencil, chance) = (Pencil(drafter), chance)
        let sampled = try shape.draw(chance: &chance) { try pencil.law(after: $0) }
        var nodes: [NodeIndex] = []
        for node in sampled.nodes {
            let parent = node.parent.map { nodes[$0] }
            nodes.append(try pencil.add(node.token, below: parent, drawnFrom: node.law))
        }
        drafter = pencil.drafter
        return DraftedTree(tree: pencil.tree, sampled: sampled, nodes: nodes)
    }

    /// Follows the target.
    ///
    /// - Parameter path: the accepted nodes of the tree that was drawn last.
    mutating func commit(_ tokens: [Token], path: [NodeIndex]) throws {
        length += tokens.count
        try drafter.advance(Rerooting(committed: tokens, path: path, kept: [], tree: TokenTree()))
    }

    /// Runs the drafter on paths; of equal ones, once.
    private struct Pencil {
        var drafter: any DistributionDrafter
        var tree = TokenTree()
        private var laws: [NodeIndex?: TokenDistribution] = [:]

        init(_ drafter: any DistributionDrafter) {
            self.drafter = drafter
        }

        mutating func law(after path: [Token]) throws -> TokenDistribution {
            var node: NodeIndex?
            // Tokens are drawn from distributions that have been asked for.
            for token in path { node = try add(token, below: node, drawnFrom: laws[node]) }
            if let known = laws[node] { return known }
            let law = try drafter.law(tree, after: node)
            laws[node] = law
            return law
        }

        mutating func add(_ token: Token, below node: NodeIndex?, drawnFrom law: TokenDistribution?) throws -> NodeIndex
        {
            let probability = Double.logarithm(law?[token] ?? 1)
            let logProbability = Float(max(-1e6, min(0, probability)))
            return try tree.insert(.init(parent: node, token: token, logProbability: logProbability)).index
        }
    }
}

/// What a pass verifies, and what a p/q rule must know about it.
struct DraftedTree {
    var tree = TokenTree()
    /// What was drawn; nil if no rule asks.
    var sampled: SampledTree?
    /// The node of `tree` for each that was drawn. Equal siblings have the same.
    var nodes: [NodeIndex] = []

    init() {}

    init(tree: TokenTree, sampled: SampledTree?, nodes: [NodeIndex]) {
        (self.tree, self.sampled, self.nodes) = (tree, sampled, nodes)
    }

    /// A tree whose tokens were proposed for certain: each came from a distribution that has no other token.
    ///
    /// What a drafter without a distribution proposes depends on nothing that a p/q rule draws, so this is what it is.
    /// Siblings then come from different distributions, which the recursive rules and traversal allow.
    init(certain tree: TokenTree) throws {
        self.tree = tree
        nodes = Array(tree.indices)
        let drawn = tree.compactMap { node in
            TokenDistribution(certainly: node.token).map {
                SampledTree.Node(parent: node.parent, token: node.token, law: $0)
            }
        }
        sampled = try SampledTree(drawn, replacement: .with)
    }
}
