/// Sequoia's static tree, the best one for a drafter's measured acceptance by rank and the target's cost curve (Chen
/// et al., arXiv 2402.12374).
///
/// Needs a calibration run. Use it where acceptance does not depend much on the text, or to see what looking at each
/// token's probability brings. Shapes: ``SequoiaShape``.
package struct SequoiaPlanner: TreePlanner {
    package let shape: SequoiaShape

    package init(shape: SequoiaShape) {
        self.shape = shape
    }

    package func step(in tree: GrowingTree) -> [Expansion] {
        guard tree.nodes > 0 else { return [] }
        let wanted = places(in: tree).compactMap { node, place -> Expansion? in
            let width = shape.children(of: place).count
            return width > 0 && tree.isOpen(node, depth: .max) ? Expansion(node: node, width: width) : nil
        }
        let level = tree.pool.depth(of: wanted.first?.node)
        return wanted.filter { tree.pool.depth(of: $0.node) == level }
    }

    package func selection(in tree: GrowingTree) -> [NodeIndex] {
        Array(places(in: tree).compactMap(\.node).prefix(max(0, tree.nodes)))
    }

    /// The nodes that have a place in the shape, level by level, with that place; the base has the place nil.
    private func places(in tree: GrowingTree) -> [(node: NodeIndex?, place: Int?)] {
        var places: [(node: NodeIndex?, place: Int?)] = [(nil, nil)]
        var next = 0
        while next < places.count {
            let (node, place) = places[next]
            next += 1
            for child in tree.rankedChildren(of: node) {
                let own = shape.children(of: place).first { shape.nodes[$0].rank == tree.rank(of: child) }
                if let own { places.append((child, own)) }
            }
        }
        return places
    }
}
