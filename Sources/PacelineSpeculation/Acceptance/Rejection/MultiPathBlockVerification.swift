/// Greedy multi-path block verification: of k chains drawn independently, the one that the target likes best token by
/// token is verified as a block (Thomas and Pal, arXiv 2602.16961).
///
/// At each node tokens are ordered by p/q, and the chain that comes last in the lexicographic order of paths is taken.
/// That order does not depend on what was drawn, so the chosen chain's distribution is known: with A the probability
/// that one chain lies before a prefix c in the order, c is chosen with (A + q(c))^k - A^k. Block verification is exact
/// for any known distribution. With one chain, this is ``BlockVerification``.
///
/// Where the drafter is nearly right, choosing makes the chain's distribution worse; then fewer chains are considered.
///
/// Implemented from the paper's summary: the class of rules and the greedy choice are its, the formulas are derived
/// here. Tests check exactness by enumeration.
///
/// Each child of the base begins a chain of first children, drawn with replacement; other nodes are ignored. Chains are
/// verified as far as the shortest goes.
package struct MultiPathBlockVerification: RejectionRule {
    package init() {}

    package func verdict<Failure: Error, Source: Chance>(
        on tree: SampledTree,
        target: (NodeIndex?) throws(Failure) -> TokenDistribution,
        chance: inout Source
    ) throws(Failure) -> Verdict {
        let law = try target(nil)
        let chains = Self.chains(of: tree, law)
        var walk = BlockWalk(from: law)
        var choice = PathChoice(count: chains.count)
        var remaining = chains
        for level in 0..<(chains.map(\.count).min() ?? 0) {
            let law = tree.nodes[remaining[0][level]].law
            let order = TokenOrder(walk.law, law)
            let draft = choice.law(of: law, order)
            let best = remaining.map { tree.nodes[$0[level]].token }.max { order.isBefore($0, $1) }
            guard let token = best else { break }
            remaining.removeAll { tree.nodes[$0[level]].token != token }
            let next = remaining[0][level]
            walk.advance(to: next, token: token, drawnFrom: draft, after: try target(next), chance: &chance)
            choice.take(token, of: law, order)
        }
        let end = walk.finish(chance: &chance)
        return tree.verdict(acceptingPathTo: end.node, correction: chance.token(from: end.law))
    }

    /// The chains to choose from: of those drawn, the first few, as many as make the first token likeliest to be
    /// accepted. How many depends on the distributions alone, so the choice keeps the rule exact.
    private static func chains(of tree: SampledTree, _ law: TokenDistribution) -> [[NodeIndex]] {
        let children = tree.children(of: nil)
        guard let draft = children.first.map({ tree.nodes[$0].law }) else { return [] }
        let order = TokenOrder(law, draft)
        var best = (count: 1, overlap: -1.0)
        for count in 1...children.count {
            let chosen = PathChoice(count: count).law(of: draft, order)
            let overlap = law.probabilities.indices.reduce(0) { $0 + min(law[Token($1)], chosen[Token($1)]) }
            if overlap > best.overlap { best = (count, overlap) }
        }
        return children.prefix(best.count).map { first in
            var chain = [first]
            while let next = tree.children(of: chain.last).first { chain.append(next) }
            return chain
        }
    }
}

/// The order of tokens at a node: by how much more the target likes them than the drafter, the most liked last.
private struct TokenOrder {
    private let target: TokenDistribution
    private let draft: TokenDistribution

    init(_ target: TokenDistribution, _ draft: TokenDistribution) {
        (self.target, self.draft) = (target, draft)
    }

    /// Tokens that the drafter never draws come first; of equals, the lower token.
    func isBefore(_ one: Token, _ other: Token) -> Bool {
        let (left, right) = (ratio(one), ratio(other))
        return left == right ? one < other : left < right
    }

    private func ratio(_ token: Token) -> Double {
        draft[token] > 0 ? target[token] / draft[token] : -1
    }

    /// By token: the probability that the drafter draws an earlier one.
    var before: [Double] {
        let tokens = draft.probabilities.indices.map { Token($0) }.sorted(by: isBefore)
        var (sum, before) = (0.0, [Double](repeating: 0, count: tokens.count))
        for token in tokens {
            before[Int(token)] = sum
            sum += draft[token]
        }
        return before
    }
}

/// The distribution of the last of k paths in lexicographic order, token by token.
private struct PathChoice {
    private let count: Int
    /// The probability that one path has the chosen prefix, and that it lies before it.
    private var prefix = 1.0
    private var before = 0.0

    init(count: Int) {
        self.count = count
    }

    /// The distribution of the next token of the chosen path.
    func law(of draft: TokenDistribution, _ order: TokenOrder) -> TokenDistribution {
        let before = order.before
        let weights = draft.probabilities.indices.map { token in
            draft.probabilities[token]
                * weight(from: self.before + prefix * before[token], prefix * draft.probabilities[token])
        }
        return TokenDistribution(weights: weights) ?? draft
    }

    mutating func take(_ token: Token, of draft: TokenDistribution, _ order: TokenOrder) {
        before += prefix * order.before[Int(token)]
        prefix *= draft[token]
    }

    /// ((a + b)^k - a^k) / b, without the cancellation.
    private func weight(from low: Double, _ width: Double) -> Double {
        var (sum, power) = (0.0, 1.0)
        // Horner's scheme for the sum of (a + b)^i a^(k - 1 - i).
        for _ in 0..<count {
            sum = sum * low + power
            power *= low + width
        }
        return sum
    }
}
