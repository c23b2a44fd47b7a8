/// RSD-C: a tree with a fixed number of children at each level, drawn without replacement by the Gumbel-top-k trick
/// (Jeon et al., arXiv 2402.14160).
///
/// Needs a drafter's probabilities and a seed. With sample-match the drafter's own shared noise does the same better
/// (``FixedTreePlanner``); this is for comparison. For the p/q rules, ``SampledTree/gumbelTopK(widths:noise:law:)``.
package struct GumbelTreePlanner: TreePlanner {
    package var width: Int
    package var depth: Int
    /// How many proposals children are drawn from.
    package var candidates: Int
    package var noise: GumbelNoise

    package init(width: Int = 2, depth: Int = 4, candidates: Int = 8, seed: UInt64 = 0) {
        (self.width, self.depth, self.candidates) = (width, depth, candidates)
        noise = GumbelNoise(seed: seed)
    }

    package func step(in tree: GrowingTree) -> [Expansion] {
        guard depth > 0, width > 0, tree.nodes > 0 else { return [] }
        let open = levels(of: tree).map { $0.filter { tree.isOpen($0, depth: depth) } }
        let level = open.first { !$0.isEmpty } ?? []
        return level.map { Expansion(node: $0, width: max(width, candidates)) }
    }

    package func selection(in tree: GrowingTree) -> [NodeIndex] {
        Array(levels(of: tree).joined().compactMap(\.self).prefix(max(0, tree.nodes)))
    }

    private func levels(of tree: GrowingTree) -> [[NodeIndex?]] {
        let values = tree.perturbed(noise).map(\.value)
        var levels: [[NodeIndex?]] = [[nil]]
        var room = tree.nodes
        while levels.count <= depth, room > 0, let last = levels.last, !last.isEmpty {
            let next = last.flatMap { node in
                tree.ranked(Array(tree.pool.children(of: node))) { values[$0] }.prefix(width)
            }
            levels.append(Array(next.prefix(room)))
            room -= next.count
        }
        return levels
    }
}
