import PacelineSpeculation

/// How often the target takes a worker's children of a node that it comes to, by their rank: the first choice, the
/// second, and so on. Learnt from every verdict, whether or not the nodes were verified.
struct RankedAcceptance: Sendable, Hashable {
    /// Ranks that are told apart.
    private static let ranks = 8
    /// About how many tokens are remembered.
    private static let memory = 1024.0
    /// Tokens before the shares mean anything.
    private static let trial = 48.0

    private var trials = 0.0
    private var hits = [Double](repeating: 0, count: ranks)

    init() {}

    /// - Parameter tree: the worker's own, below the base that the tokens follow.
    mutating func learn(_ tokens: [Token], on tree: TokenTree) {
        var visited: NodeIndex?
        for token in tokens {
            var next: (node: NodeIndex, rank: Int)?
            var count = 0
            for child in tree.children(of: visited) {
                if tree[child].token == token { next = (child, count) }
                count += 1
            }
            // A node that the worker has not come to says nothing.
            guard count > 0 else { return }
            record(next?.rank)
            guard let next else { return }
            visited = next.node
        }
    }

    private mutating func record(_ rank: Int?) {
        let fading = 1 - 1 / Self.memory
        trials = trials * fading + 1
        for index in hits.indices { hits[index] *= fading }
        if let rank, rank < hits.count { hits[rank] += 1 }
    }

    /// The evidence of two workers together.
    static func + (left: RankedAcceptance, right: RankedAcceptance) -> RankedAcceptance {
        var sum = left
        sum.trials += right.trials
        for index in sum.hits.indices { sum.hits[index] += right.hits[index] }
        return sum
    }

    /// By rank: the share of tokens that were the child of this rank; nil before there is evidence.
    var shares: [Double]? {
        trials >= Self.trial ? hits.map { $0 / trials } : nil
    }
}
