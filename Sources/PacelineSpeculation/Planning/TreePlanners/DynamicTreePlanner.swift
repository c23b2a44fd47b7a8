/// EAGLE-2's dynamic tree: of each level the k most probable paths are expanded, each into its k most probable tokens,
/// and the n most probable of all paths are verified (Li et al., arXiv 2406.16858).
///
/// Needs a drafter whose probabilities say how often it is right; calibration sees to that. Use it where a step of the
/// drafter costs about the same for one node as for k. The published setting is k = 10, depth 6, n = 60.
package struct DynamicTreePlanner: TreePlanner {
    package var width: Int
    package var depth: Int
    package var nodes: Int

    package init(width: Int = 10, depth: Int = 6, nodes: Int = 60) {
        (self.width, self.depth, self.nodes) = (width, depth, nodes)
    }

    package func step(in tree: GrowingTree) -> [Expansion] {
        guard nodes > 0, width > 0, depth > 0, tree.nodes > 0 else { return [] }
        if tree.isOpen(nil, depth: depth) { return [Expansion(node: nil, width: width)] }
        let level = tree.level(tree.deepestLevel)
        let beam = tree.ranked(level) { tree.pool.pathLogProbability(of: $0) }.prefix(width)
        return beam.filter { tree.isOpen($0, depth: depth) }.map { Expansion(node: $0, width: width) }
    }

    package func selection(in tree: GrowingTree) -> [NodeIndex] {
        tree.best(nodes)
    }
}
