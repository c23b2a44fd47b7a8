/// Block verification of a chain: accepts tokens jointly, and never fewer than token-by-token acceptance would
/// (Sun et al., arXiv 2403.10444).
///
/// On a tree it verifies only the chain of first children.
package struct BlockVerification: RejectionRule {
    package init() {}

    package func verdict<Failure: Error, Source: Chance>(
        on tree: SampledTree,
        target: (NodeIndex?) throws(Failure) -> TokenDistribution,
        chance: inout Source
    ) throws(Failure) -> Verdict {
        var node: NodeIndex?
        var law = try target(nil)
        var weight = 1.0
        var longest: (node: NodeIndex?, law: TokenDistribution) = (nil, law)
        var child = tree.children(of: nil).first
        while let next = child {
            let (token, draft) = (tree.nodes[next].token, tree.nodes[next].law)
            // The distribution of the correction if the block ends before this token.
            let rest = law.residual(scale: weight) { draft[$0] }
            if node == nil || chance.happens(withProbability: Self.acceptance(mass: rest.mass, weight: weight)) {
                longest = (node, rest.law ?? law)
            }
            weight = min(1, weight * law[token] / draft[token])
            node = next
            law = try target(node)
            child = tree.children(of: node).first
        }
        // The last token of the block.
        if chance.happens(withProbability: weight) {
            longest = (node, law)
        }
        return tree.verdict(acceptingPathTo: longest.node, correction: chance.token(from: longest.law))
    }

    /// The probability that a proper prefix of the block is accepted if no longer one is.
    private static func acceptance(mass: Double, weight: Double) -> Double {
        let total = mass + 1 - weight
        return total > 0 ? mass / total : 0
    }
}
