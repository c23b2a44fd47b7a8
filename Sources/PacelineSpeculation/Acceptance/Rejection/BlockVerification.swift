/// Block verification of a chain: accepts tokens jointly, and never fewer than token-by-token acceptance would
/// (Sun et al., arXiv 2403.10444).
///
/// On a tree it verifies only the chain of first children. ``MultiPathBlockVerification`` is for several chains.
package struct BlockVerification: RejectionRule {
    package init() {}

    package func verdict<Failure: Error, Source: Chance>(
        on tree: SampledTree,
        target: (NodeIndex?) throws(Failure) -> TokenDistribution,
        chance: inout Source
    ) throws(Failure) -> Verdict {
        var walk = BlockWalk(from: try target(nil))
        while let next = tree.children(of: walk.node).first {
            walk.advance(
                to: next,
                token: tree.nodes[next].token,
                drawnFrom: tree.nodes[next].law,
                after: try target(next),
                chance: &chance
            )
        }
        let end = walk.finish(chance: &chance)
        return tree.verdict(acceptingPathTo: end.node, correction: chance.token(from: end.law))
    }
}
