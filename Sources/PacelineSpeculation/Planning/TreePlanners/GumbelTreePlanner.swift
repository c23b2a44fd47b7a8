/// RSD-C and RSD-S: trees whose nodes are drawn without replacement by the Gumbel-top-k trick (Jeon et al., arXiv
/// 2402.14160), of each node alone or of a whole level as stochastic beam search does (Kool et al., arXiv 1903.06059).
///
/// Needs a drafter's probabilities and a seed. With sample-match ``FixedTreePlanner`` and ``DynamicTreePlanner`` do the
/// same better, since the drafter's own noise is the target's; this is for comparison. For the p/q rules there are
/// ``SampledTree/gumbelTopK(widths:noise:law:)`` and ``SampledTree/stochasticBeam(width:depth:noise:law:)``.
package struct GumbelTreePlanner: TreePlanner {
    /// What draws share a width.
    package enum Scope: Sendable {
        /// Every node has so many children (RSD-C).
        case node
        /// Every level has so many nodes, which puts them where the probability is (RSD-S).
        case level
    }

    package var scope: Scope
    package var width: Int
    package var depth: Int
    /// How many proposals children are drawn from.
    package var candidates: Int
    package var noise: GumbelNoise

    package init(per scope: Scope, width: Int, depth: Int, candidates: Int = 8, seed: UInt64 = 0) {
        (self.scope, self.width, self.depth, self.candidates) = (scope, width, depth, candidates)
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
            let families = last.map { Array(tree.pool.children(of: $0)) }
            let drawn = (scope == .node ? families : [Array(families.joined())]).flatMap { nodes in
                tree.ranked(nodes) { values[$0] }.prefix(width)
            }
            levels.append(Array(drawn.prefix(room)))
            room -= drawn.count
        }
        return levels
    }
}
