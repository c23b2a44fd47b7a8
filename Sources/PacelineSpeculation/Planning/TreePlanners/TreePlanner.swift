/// Shapes the tree of one sequence: which nodes a drafter expands next, and which of all that it proposed are worth a
/// place in a pass. A value without a model, a clock or randomness: the same tree always gives the same answer.
///
/// The planners of the literature differ in nothing else. With sample-match none of them can change a token, because
/// any tree will do (methods that choose by the realised tokens are inexact only under the p/q rules; for those,
/// ``SampledTree`` draws its own trees). ``Planner`` chooses across sequences, after the trees have been drafted.
///
/// A tree survives verdicts: a planner meets one whose upper levels another base has left behind. So its answer
/// depends on the tree alone, not on what it said before.
package protocol TreePlanner: Sendable {
    /// What a drafter should expand in its next step: distinct nodes that it has not expanded, above the depth limit;
    /// empty if the tree is complete. The base comes first, alone.
    func step(in tree: GrowingTree) -> [Expansion]

    /// The nodes and proposals that are worth verifying, at most ``GrowingTree/nodes`` of them, a parent before its
    /// children.
    func selection(in tree: GrowingTree) -> [NodeIndex]
}

/// A node to expand, `nil` for the base, and how many children to ask for.
package struct Expansion: Sendable, Hashable {
    package var node: NodeIndex?
    package var width: Int

    package init(node: NodeIndex?, width: Int) {
        (self.node, self.width) = (node, width)
    }
}

extension TreePlanner {
    /// The part of a finished tree that a pass should verify.
    ///
    /// - Parameter nodes: how many nodes the pass has room for.
    package func selection(of tree: TokenTree, nodes: Int) -> TokenTree {
        let growing = GrowingTree(tree, nodes: nodes)
        var isChosen = [Bool](repeating: false, count: tree.count)
        for node in selection(in: growing) { isChosen[node] = true }
        return tree.extract(below: nil) { isChosen[$0] }.tree
    }
}
