/// DySpec: grows the tree greedily by estimated path probability (Xiong et al., arXiv 2410.11744).
///
/// Without a threshold it expands one node at a time, the most probable, as long as that node is among the best n: the
/// result is the best tree of n nodes. The threshold form expands all paths above the threshold at once, so that a
/// drafter takes as many steps as the tree is deep, instead of n. Use the greedy form with look-ups and the threshold
/// form with models. For the p/q rules, ``SampledTree/greedy(nodes:depth:law:chance:)`` draws the paper's trees.
package struct DySpecPlanner: TreePlanner {
    package var nodes: Int
    package var depth: Int
    /// Paths must be more probable than this to be expanded or verified; 0 for the greedy form.
    package var threshold: Double
    /// The most children of a node that are considered.
    package var width: Int

    package init(nodes: Int = 32, depth: Int = 16, threshold: Double = 0, width: Int = 8) {
        (self.nodes, self.depth, self.threshold, self.width) = (nodes, depth, threshold, width)
    }

    package func step(in tree: GrowingTree) -> [Expansion] {
        guard min(nodes, tree.nodes) > 0, depth > 0, width > 0 else { return [] }
        if tree.isOpen(nil, depth: depth) { return [Expansion(node: nil, width: width)] }
        let worth = selection(in: tree).filter { tree.isOpen($0, depth: depth) }
        let ranked = tree.ranked(worth) { tree.pool.pathLogProbability(of: $0) }
        return ranked.prefix(threshold > 0 ? ranked.count : 1).map { Expansion(node: $0, width: width) }
    }

    package func selection(in tree: GrowingTree) -> [NodeIndex] {
        tree.best(nodes).filter { tree.value(of: $0) > threshold }
    }
}
