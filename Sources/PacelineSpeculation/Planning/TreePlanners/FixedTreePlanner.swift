/// A tree whose nodes all have the same number of children, down to a fixed depth (SpecInfer, arXiv 2305.09781;
/// MCSD, arXiv 2401.06706).
///
/// Needs nothing. Use it as a baseline: it spends most of its nodes on improbable paths.
package struct FixedTreePlanner: TreePlanner {
    package var width: Int
    package var depth: Int

    package init(width: Int = 2, depth: Int = 4) {
        (self.width, self.depth) = (width, depth)
    }

    package func step(in tree: GrowingTree) -> [Expansion] {
        guard depth > 0, width > 0, tree.nodes > 0 else { return [] }
        let levels = levels(of: tree)
        let level = levels.first { $0.contains { tree.isOpen($0, depth: depth) } } ?? []
        return level.filter { tree.isOpen($0, depth: depth) }.map { Expansion(node: $0, width: width) }
    }

    package func selection(in tree: GrowingTree) -> [NodeIndex] {
        Array(levels(of: tree).joined().compactMap(\.self).prefix(max(0, tree.nodes)))
    }

    /// The base, and level by level the nodes that belong to the tree; no more than there is room for.
    private func levels(of tree: GrowingTree) -> [[NodeIndex?]] {
        var levels: [[NodeIndex?]] = [[nil]]
        var room = tree.nodes
        while levels.count <= depth, room > 0, let last = levels.last, !last.isEmpty {
            let next = last.flatMap { tree.rankedChildren(of: $0).prefix(width) }.prefix(room)
            room -= next.count
            levels.append(Array(next))
        }
        return levels
    }
}
