/// Speculative sampling, on a chain or recursively over the children of each node.
///
/// A child x is accepted with probability p(x)/q(x); otherwise p becomes the normalised positive part of p - q and the
/// next child is tried. On a chain: Leviathan et al. (arXiv 2211.17192) and Chen et al. (arXiv 2302.01318). With
/// replacement: SpecInfer's multi-step speculative sampling (arXiv 2305.09781). Without: MCSD (arXiv 2401.06706), RSD
/// (arXiv 2402.14160), Sequoia (arXiv 2402.12374).
package struct RecursiveRejection: RejectionRule {
    package init() {}

    package func verdict<Failure: Error, Source: Chance>(
        on tree: SampledTree,
        target: (NodeIndex?) throws(Failure) -> TokenDistribution,
        chance: inout Source
    ) throws(Failure) -> Verdict {
        var node: NodeIndex?
        while true {
            var law = try target(node)
            guard let child = Self.accept(among: tree.children(of: node), of: tree, law: &law, chance: &chance) else {
                return tree.verdict(acceptingPathTo: node, correction: chance.token(from: law))
            }
            node = child
        }
    }

    /// The accepted child; if there is none, `law` becomes the distribution of the correction.
    private static func accept(
        among children: [NodeIndex],
        of tree: SampledTree,
        law: inout TokenDistribution,
        chance: inout some Chance
    ) -> NodeIndex? {
        for child in children {
            let token = tree.nodes[child].token
            let draft = tree.drawingLaw(of: child)
            if chance.happens(withProbability: law[token] / draft[token]) { return child }
            // Without a residual, p equals q and the child was accepted.
            law = law.residual { draft[$0] }.law ?? law
        }
        return nil
    }
}
