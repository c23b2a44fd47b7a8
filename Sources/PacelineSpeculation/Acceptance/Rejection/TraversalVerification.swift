/// Traversal verification: goes from the leaves to the root, so that rejecting a node still leaves the path above it
/// (Weng et al., arXiv 2505.12398). On a chain its output is distributed like that of ``BlockVerification``.
///
/// Implemented from the paper's description. Tests check its exactness by enumeration, not against the authors' code.
package struct TraversalVerification: RejectionRule {
    private struct State {
        /// The probability of keeping the path to the node if nothing below it is kept.
        var acceptance: Double
        var law: TokenDistribution
        /// How many children have been rejected.
        var rejected = 0
    }

    package init() {}

    package func verdict<Failure: Error, Source: Chance>(
        on tree: SampledTree,
        target: (NodeIndex?) throws(Failure) -> TokenDistribution,
        chance: inout Source
    ) throws(Failure) -> Verdict {
        // The states of the nodes on the path from the base to the current node.
        var path: [(node: NodeIndex?, state: State)] = [(nil, State(acceptance: 1, law: try target(nil)))]
        while true {
            let (node, state) = path[path.count - 1]
            let children = tree.children(of: node)
            if state.rejected < children.count {
                let child = children[state.rejected]
                let token = tree.nodes[child].token
                let ratio = state.law[token] / tree.drawingLaw(of: child)[token]
                let acceptance = min(1, state.acceptance * ratio)
                path.append((child, State(acceptance: acceptance, law: try target(child))))
            } else if let node, !chance.happens(withProbability: state.acceptance) {
                path.removeLast()
                Self.reject(drawnFrom: tree.drawingLaw(of: node), in: &path[path.count - 1].state)
            } else {
                return tree.verdict(acceptingPathTo: node, correction: chance.token(from: state.law))
            }
        }
    }

    /// Removes the share of a rejected child from a node's distribution.
    private static func reject(drawnFrom draft: TokenDistribution, in state: inout State) {
        let rest = state.law.residual(scale: state.acceptance) { draft[$0] }
        let total = rest.mass + 1 - state.acceptance
        // If the total is zero, the child was drawn from the node's own distribution and is never rejected.
        if total > 0 { state.acceptance = rest.mass / total }
        state.law = rest.law ?? state.law
        state.rejected += 1
    }
}
