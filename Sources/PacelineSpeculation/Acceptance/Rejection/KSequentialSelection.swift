/// SpecTr's K-SEQ: sequential selection among k independent drafts with one acceptance scale for all of them
/// (Sun et al., arXiv 2310.15141).
///
/// Requires siblings drawn with replacement from the same distribution.
package struct KSequentialSelection: RejectionRule {
    package init() {}

    package func verdict<Failure: Error, Source: Chance>(
        on tree: SampledTree,
        target: (NodeIndex?) throws(Failure) -> TokenDistribution,
        chance: inout Source
    ) throws(Failure) -> Verdict {
        var node: NodeIndex?
        while true {
            let law = try target(node)
            let children = tree.children(of: node)
            guard let first = children.first else {
                return tree.verdict(acceptingPathTo: node, correction: chance.token(from: law))
            }
            let draft = tree.nodes[first].law
            let scale = Self.scale(law, draft, count: children.count)
            let accepted = children.first { child in
                let token = tree.nodes[child].token
                return chance.happens(withProbability: law[token] / (scale * draft[token]))
            }
            guard let accepted else {
                let rest = Self.residual(law, draft, count: children.count, scale: scale)
                return tree.verdict(acceptingPathTo: node, correction: chance.token(from: rest))
            }
            node = accepted
        }
    }

    /// The probability that one draft is accepted.
    private static func acceptance(_ law: TokenDistribution, _ draft: TokenDistribution, scale: Double) -> Double {
        law.probabilities.indices.reduce(0) { $0 + min(law[Token($1)] / scale, draft[Token($1)]) }
    }

    /// How many times more often all drafts together emit a token than a single draft accepts it.
    private static func amplification(acceptance: Double, count: Int) -> Double {
        guard acceptance > 0 else { return Double(count) }
        let noneAccepted = (0..<count).reduce(1) { product, _ in product * (1 - acceptance) }
        return (1 - noneAccepted) / acceptance
    }

    /// The smallest scale at which no token is emitted too often, in 1...count.
    ///
    /// Every larger scale is exact too but accepts less often, so the bisection returns its upper end.
    private static func scale(_ law: TokenDistribution, _ draft: TokenDistribution, count: Int) -> Double {
        var (low, high) = (1.0, Double(count))
        for _ in 0..<60 {
            let middle = (low + high) / 2
            let accepted = acceptance(law, draft, scale: middle)
            if amplification(acceptance: accepted, count: count) <= middle { high = middle } else { low = middle }
        }
        return high
    }

    /// The distribution that remains for the correction.
    private static func residual(_ law: TokenDistribution, _ draft: TokenDistribution, count: Int, scale: Double)
        -> TokenDistribution
    {
        let accepted = acceptance(law, draft, scale: scale)
        let amplification = amplification(acceptance: accepted, count: count)
        return law.residual { min(law[$0] / scale, draft[$0]) * amplification }.law ?? law
    }
}
