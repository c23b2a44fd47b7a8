import PacelineSpeculation

/// A line of `--trace`: one round.
struct RoundTrace: Encodable {
    struct Node: Encodable {
        /// An index in the same tree; nil for a child of the base.
        var parent: Int?
        var token: Token
        /// That the target takes it, given that it takes its parent, as the drafters believe; for a p/q rule, that
        /// it was drawn there.
        var probability: Double
    }

    var prompt: Int
    var category: String
    var sampling: String
    var method: String
    var planner: String
    var acceptance: String
    var round: Int
    /// Tokens before the tree, prompt included.
    var base: Int
    /// Nodes that the drafters had grown; `tree` has those that were verified.
    var drafted: Int
    var tree: [Node]
    /// The accepted nodes.
    var accepted: [Int]
    /// What the text gained.
    var tokens: [Token]
    /// The number of accepted nodes that the drafters expected.
    var expected: Double
    /// Whether the correction had been drafted, but was not verified.
    var isMissed: Bool

    enum CodingKeys: String, CodingKey {
        case prompt, category, sampling, method, planner, acceptance, round, base, drafted, tree, accepted, tokens,
            expected
        case isMissed = "missed"
    }

    init(_ cell: MethodCell.Key, category: String, round: Int, base: Int, _ result: MethodRound) {
        (prompt, sampling, method) = (cell.prompt + 1, cell.sampling, cell.method)
        (planner, acceptance) = (cell.planner, cell.acceptance)
        self.category = category
        self.round = round
        self.base = base
        drafted = result.drafted
        tree = result.tree.map { node in
            let probability = exponential(Double(node.logProbability))
            return Node(parent: node.parent, token: node.token, probability: (probability * 1e4).rounded() / 1e4)
        }
        accepted = result.path
        tokens = result.tokens
        expected = (result.expected * 1e4).rounded() / 1e4
        isMissed = result.isMissed
    }
}
