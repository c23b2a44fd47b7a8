/// Block verification's way along one path of drafted tokens: decides how much of it is accepted.
///
/// The path's tokens may come from any distributions, as long as they are known: each token from its own, given the
/// tokens before it.
struct BlockWalk {
    /// The node reached; nil for the base.
    private(set) var node: NodeIndex?
    /// The target's distribution after it.
    private(set) var law: TokenDistribution
    private var weight = 1.0
    private var longest: (node: NodeIndex?, law: TokenDistribution)

    /// - Parameter law: the target's distribution after the base.
    init(from law: TokenDistribution) {
        self.law = law
        longest = (nil, law)
    }

    /// Goes on to the next token of the path.
    ///
    /// - Parameters:
    ///   - next: its node.
    ///   - draft: the distribution that it was drawn from.
    ///   - after: the target's distribution after it.
    mutating func advance(
        to next: NodeIndex,
        token: Token,
        drawnFrom draft: TokenDistribution,
        after: TokenDistribution,
        chance: inout some Chance
    ) {
        // The distribution of the correction if the block ends before this token.
        let rest = law.residual(scale: weight) { draft[$0] }
        if node == nil || chance.happens(withProbability: Self.acceptance(mass: rest.mass, weight: weight)) {
            longest = (node, rest.law ?? law)
        }
        weight = min(1, weight * law[token] / draft[token])
        (node, law) = (next, after)
    }

    /// The end of the path: the last accepted node, and the distribution of the correction.
    mutating func finish(chance: inout some Chance) -> (node: NodeIndex?, law: TokenDistribution) {
        if chance.happens(withProbability: weight) { longest = (node, law) }
        return longest
    }

    /// The probability that a proper prefix of the block is accepted if no longer one is.
    private static func acceptance(mass: Double, weight: Double) -> Double {
        let total = mass + 1 - weight
        return total > 0 ? mass / total : 0
    }
}
