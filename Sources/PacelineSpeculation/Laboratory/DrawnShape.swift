/// How a tree is drawn from a drafter's distributions. All of it is decided before a token is drawn, or by what does
/// not tell which token it was: otherwise the p/q rules would not be exact.
enum DrawnShape: Sendable, Hashable {
    /// So many children of each node of a level, independent of each other or distinct.
    case levels(widths: [Int], SampledTree.Replacement)
    /// The same, distinct, by the Gumbel-top-k trick (RSD-C).
    case gumbel(widths: [Int])
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
        guard let planner, planner.name != .bestFirst else {
            self = Self.chains(rule.drafts == .chain ? 1 : min(budget.width, budget.nodes), budget)
            return
        }
        if planner.name == .chain {
            var budget = budget
            budget.depth = min(budget.depth, Int(planner[.length]))
            self = Self.chains(1, budget)
            return
        }
        guard rule.drafts != .chain else { return nil }
        guard let shape = Self.tree(of: planner, budget) else { return nil }
        self = shape
    }

    /// So many chains from the base. All rules for trees get the same shape, so that it is the rules that differ.
    private static func chains(_ count: Int, _ budget: MethodBudget) -> DrawnShape {
        let length = min(budget.depth, budget.nodes / count)
        let widths = [count] + Array(repeating: 1, count: length - 1)
        return .levels(widths: widths, budget.acceptance.drafts == .distinct ? .without : .with)
    }

    private static func tree(of planner: PlannerSettings, _ budget: MethodBudget) -> DrawnShape? {
        let depth = min(budget.depth, Int(planner[.depth]))
        let nodes = min(budget.nodes, Int(planner[.nodes]))
        let isDistinct = budget.acceptance.drafts == .distinct
        switch planner.name {
        case .tree, .gumbelTree:
            let widths = Self.widths(Int(planner[.width]), depth: depth, nodes: budget.nodes)
            if planner.name == .gumbelTree { return isDistinct ? .gumbel(widths: widths) : nil }
            // Chains are all that multi-path knows.
            return budget.acceptance == .multiPath ? nil : .levels(widths: widths, isDistinct ? .without : .with)
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
        case .levels(let widths, _), .gumbel(let widths): widths.count
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
        case .levels(let widths, let replacement):
            return try SampledTree.levels(widths: widths, replacement: replacement, law: law, chance: &chance)
        case .gumbel(let widths):
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
