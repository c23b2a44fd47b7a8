/// OPT-Tree: grows level by level while the expected number of accepted tokens of the best n nodes rises by more than
/// a threshold with each level (Wang et al., arXiv 2406.17276).
///
/// With drafter probabilities in place of the target's, the n most probable paths are the best tree of n nodes; a level
/// keeps n candidates, so none of them is missed. Use it where drafting is cheap and a pass has room for n nodes. The
/// threshold should be what a draft step costs, in tokens; the authors' code has 0.5.
package struct OptTreePlanner: TreePlanner {
    package var nodes: Int
    package var depth: Int
    /// Expected tokens that a level must add.
    package var gain: Double
    /// The most children of a node that are considered.
    package var width: Int

    package init(nodes: Int = 32, depth: Int = 16, gain: Double = 0.1, width: Int = 10) {
        (self.nodes, self.depth, self.gain, self.width) = (nodes, depth, gain, width)
    }

    package func step(in tree: GrowingTree) -> [Expansion] {
        let count = min(nodes, tree.nodes)
        guard count > 0, depth > 0, width > 0 else { return [] }
        let width = min(width, count)
        if tree.isOpen(nil, depth: depth) { return [Expansion(node: nil, width: width)] }
        let deepest = tree.deepestLevel
        let gained = expectedTokens(of: tree, depth: deepest) - expectedTokens(of: tree, depth: deepest - 1)
        guard deepest > 0, gained > gain else { return [] }
        let candidates = tree.ranked(tree.level(deepest)) { tree.pool.pathLogProbability(of: $0) }.prefix(count)
        return candidates.filter { tree.isOpen($0, depth: depth) }.map { Expansion(node: $0, width: width) }
    }

    package func selection(in tree: GrowingTree) -> [NodeIndex] {
        tree.best(nodes)
    }

    /// The expected number of accepted tokens of the best tree that is at most `depth` deep.
    private func expectedTokens(of tree: GrowingTree, depth: Int) -> Double {
        let values = tree.pool.indices.filter { tree.pool.depth(of: $0) <= depth }.map { tree.value(of: $0) }
        return values.sorted(by: >).prefix(min(nodes, tree.nodes)).reduce(0, +)
    }
}
