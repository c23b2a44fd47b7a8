/// RSD-S: of each level the k paths that stochastic beam search draws without replacement (Jeon et al., arXiv
/// 2402.14160; Kool et al., arXiv 1903.06059).
///
/// Needs a drafter's probabilities and a seed. A beam puts its nodes where the probability is, where
/// ``GumbelTreePlanner`` gives every path the same number of children. With sample-match ``DynamicTreePlanner`` does
/// without the noise; this is for comparison. For the p/q rules there is
/// ``SampledTree/stochasticBeam(width:depth:noise:law:)``.
package struct StochasticBeamPlanner: TreePlanner {
    package var width: Int
    package var depth: Int
    /// How many proposals each path's continuations are drawn from.
    package var candidates: Int
    package var noise: GumbelNoise

    package init(width: Int = 4, depth: Int = 6, candidates: Int = 8, seed: UInt64 = 0) {
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
            let children = last.flatMap { Array(tree.pool.children(of: $0)) }
            let next = tree.ranked(children) { values[$0] }.prefix(min(width, room))
            levels.append(Array(next))
            room -= next.count
        }
        return levels
    }
}
