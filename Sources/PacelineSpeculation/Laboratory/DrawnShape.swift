/// How a tree is drawn from a drafter's distributions. All of it is decided before a token is drawn, or by what does
/// not tell which token it was: otherwise the p/q rules would not be exact.
enum DrawnShape: Sendable, Hashable {
    /// So many children of each node of a level, independent of each other.
    case independent(widths: [Int])
    /// So many children of each node of a level, distinct (RSD-C).
    case distinct(widths: [Int])
    /// So many nodes a level, by stochastic beam search (RSD-S).
    case beam(width: Int, depth: Int)
    /// The next token always where it is likeliest to be accepted (DySpec).
    case greedy(nodes: Int, depth: Int)
    /// The children that dynamic programming gives each rank (Sequoia).
    case ranked(SequoiaShape)

    /// The shape of a rule's drafts as a planner wants them; nil if the two do not go together.
    init?(_ budget: MethodBudget) {
        guard budget.acceptance.rejection != nil, budget.nodes > 0, budget.depth > 0 else { return nil }
        let (rule, planner) = (budget.acceptance, budget.planner)
        let chain = Self.independent(widths: Array(repeating: 1, count: min(budget.nodes, budget.depth)))
        guard let planner, planner.name != .bestFirst else {
            self = rule.drafts == .chain ? chain : Self.usual(budget)
            return
        }
        if planner.name == .chain {
            let length = min(budget.nodes, budget.depth, Int(planner[.length]))
            self = .independent(widths: Array(repeating: 1, count: length))
            return
        }
        guard rule.drafts != .chain else { return nil }
        guard let shape = Self.tree(of: planner, budget) else { return nil }
        self = shape
    }

    private static func usual(_ budget: MethodBudget) -> DrawnShape {
        guard budget.acceptance.drafts == .independent else {
            return .greedy(nodes: budget.nodes, depth: budget.depth)
        }
        let width = min(budget.width, budget.nodes)
        let length = min(budget.depth, budget.nodes / width)
        return .independent(widths: [width] + Array(repeating: 1, count: length - 1))
    }

    private static func tree(of planner: PlannerSettings, _ budget: MethodBudget) -> DrawnShape? {
        let depth = min(budget.depth, Int(planner[.depth]))
        let nodes = min(budget.nodes, Int(planner[.nodes]))
        let isDistinct = budget.acceptance.drafts == .distinct
        switch planner.name {
        case .tree, .gumbelTree:
            let widths = Self.widths(Int(planner[.width]), depth: depth, nodes: budget.nodes)
            if isDistinct { return .distinct(widths: widths) }
            // Chains are all that multi-path knows, and RSD's siblings are distinct.
            return planner.name == .tree && budget.acceptance != .multiPath ? .independent(widths: widths) : nil
        case .stochasticBeam where isDistinct:
            let width = min(Int(planner[.width]), budget.nodes)
            return .beam(width: width, depth: min(depth, budget.nodes / width))
        case .dySpec where isDistinct && planner[.threshold] == 0:
            return .greedy(nodes: nodes, depth: depth)
        case .sequoia where isDistinct:
            return .ranked(SequoiaShape.best(nodes: nodes, depth: depth, measured: planner.measured))
        default: return nil
        }
    }

    /// As many whole levels as there is room for; of the first one, a part if need be.
    private static func widths(_ width: Int, depth: Int, nodes: Int) -> [Int] {
        var widths: [Int] = []
        var (level, left) = (1, nodes)
        while widths.count < depth, level * width <= left {
            level *= width
            left -= level
            widths.append(width)
        }
        return widths.isEmpty ? [nodes] : widths
    }

    /// The greatest depth that a tree can have.
    var depth: Int {
        switch self {
        case .independent(let widths), .distinct(let widths): widths.count
        case .beam(_, let depth), .greedy(_, let depth): depth
        case .ranked(let shape):
            shape.nodes.reduce(into: [Int]()) { depths, node in
                depths.append((node.parent.map { depths[$0] } ?? 0) + 1)
            }.max() ?? 0
        }
    }

    /// Draws a tree.
    ///
    /// - Parameter law: the drafter's distribution after some tokens.
    func draw(chance: inout UniformChance, law: ([Token]) throws -> TokenDistribution) rethrows -> SampledTree {
        switch self {
        case .independent(let widths):
            return try SampledTree.independent(widths: widths, law: law, chance: &chance)
        case .distinct(let widths):
            return try SampledTree.gumbelTopK(widths: widths, noise: GumbelNoise(seed: chance.seed()), law: law)
        case .beam(let width, let depth):
            let noise = GumbelNoise(seed: chance.seed())
            return try SampledTree.stochasticBeam(width: width, depth: depth, noise: noise, law: law)
        case .greedy(let nodes, let depth):
            return try SampledTree.greedy(nodes: nodes, depth: depth, fills: false, law: law, chance: &chance)
        case .ranked(let shape):
            return try SampledTree.ranked(shape, law: law, chance: &chance)
        }
    }
}
