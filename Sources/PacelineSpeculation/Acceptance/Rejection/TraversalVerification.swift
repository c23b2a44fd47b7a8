/// Traversal verification: from the leaves to the root, so that a path is given up only when all of it is (Weng et al.,
/// arXiv 2505.12398). On a chain it has the law of ``BlockVerification``.
///
/// Rebuilt from the paper's description; its exactness is checked by enumeration, not against the authors' code.
package struct TraversalVerification: RejectionRule {
    private struct State {
        /// The probability with which the path to the node is kept, should nothing below it be.
        var acceptance: Double
        var law: TokenDistribution
        /// How many children have been given up.
        var rejected = 0
    }

    package init() {}

    package func verdict<Failure: Error, Source: Chance>(
        on tree: SampledTree,
        target: (NodeIndex?) throws(Failure) -> TokenDistribution,
        chance: inout Source
    ) throws(Failure) -> Verdict {
        // The states of the nodes on the way from the base to the node that is looked at.
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

    /// Takes out of a node's law what a rejected child has had of it.
    private static func reject(drawnFrom draft: TokenDistribution, in state: inout State) {
        let rest = state.law.residual(scale: state.acceptance) { draft[$0] }
        let total = rest.mass + 1 - state.acceptance
        // Where the total is zero the child's law was the node's own, and the child is never rejected.
        if total > 0 { state.acceptance = rest.mass / total }
        state.law = rest.law ?? state.law
        state.rejected += 1
    }
}
