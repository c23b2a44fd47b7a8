/// What a ``TreePlanner`` sees: a tree's nodes and the proposals that are not nodes yet, in one tree.
package struct GrowingTree: Sendable {
    /// The nodes, under their own indices, and after them the proposals. Probabilities are calibrated.
    package let pool: TokenTree
    /// How many nodes the tree may hold.
    package let nodes: Int
    /// The greatest depth of a node.
    package let depth: Int
    /// By index in the pool: how many proposals the drafter preferred to it below the same parent; nil if it comes
    /// from another drafter.
    private let ranks: [Int?]
    private let isBaseExpanded: Bool
    /// By index; nodes beyond the end have not been expanded.
    private let expanded: [Bool]

    init(
        pool: TokenTree,
        ranks: [Int?],
        nodes: Int,
        depth: Int,
        isBaseExpanded: Bool,
        expanded: [Bool]
    ) {
        (self.pool, self.ranks) = (pool, ranks)
        (self.nodes, self.depth) = (nodes, depth)
        (self.isBaseExpanded, self.expanded) = (isBaseExpanded, expanded)
    }

    /// A tree that nobody will expand any further; children are ranked in their order.
    package init(_ tree: TokenTree, nodes: Int) {
        var ranks = [Int?](repeating: nil, count: tree.count)
        for node in [nil] + tree.indices.map(Optional.some) {
            for (rank, child) in tree.children(of: node).enumerated() { ranks[child] = rank }
        }
        self.init(
            pool: tree,
            ranks: ranks,
            nodes: nodes,
            depth: tree.limits.depth,
            isBaseExpanded: true,
            expanded: Array(repeating: true, count: tree.count)
        )
    }

    /// Whether the drafter has been asked for children of a node.
    package func isExpanded(_ node: NodeIndex?) -> Bool {
        guard let node else { return isBaseExpanded }
        return node < expanded.count && expanded[node]
    }

    package func rank(of node: NodeIndex) -> Int? { ranks[node] }

    /// The children that the drafter proposed, its preferred one first.
    package func rankedChildren(of node: NodeIndex?) -> [NodeIndex] {
        pool.children(of: node).filter { ranks[$0] != nil }.sorted { (ranks[$0] ?? 0, $0) < (ranks[$1] ?? 0, $1) }
    }

    /// The probability of the path to a node.
    package func value(of node: NodeIndex?) -> Double { Double.exponential(pool.pathLogProbability(of: node)) }

    /// Whether a node may be expanded, with respect to a planner's own limit as well.
    package func isOpen(_ node: NodeIndex?, depth limit: Int) -> Bool {
        !isExpanded(node) && pool.depth(of: node) < Swift.min(depth, limit)
    }

    /// The greatest depth in the pool; 0 if it is empty.
    package var deepestLevel: Int { pool.indices.reduce(0) { Swift.max($0, pool.depth(of: $1)) } }

    /// The nodes of one level.
    package func level(_ depth: Int) -> [NodeIndex] { pool.indices.filter { pool.depth(of: $0) == depth } }

    /// Nodes by a value, the greatest first; of equals, the one proposed first.
    package func ranked(_ nodes: [NodeIndex], by value: (NodeIndex) -> Double) -> [NodeIndex] {
        let values = nodes.map(value)
        let order = nodes.indices.sorted { left, right in
            values[left] == values[right] ? nodes[left] < nodes[right] : values[left] > values[right]
        }
        return order.map { nodes[$0] }
    }

    /// The most probable paths of the pool, ascending; connected, since no path is more probable than its parent's.
    package func best(_ count: Int) -> [NodeIndex] {
        let ranked = ranked(Array(pool.indices)) { pool.pathLogProbability(of: $0) }
        return ranked.prefix(Swift.max(0, Swift.min(count, nodes))).sorted()
    }
}

extension GrowingTree {
    /// The preferred line: from the base, always the most probable child; of equals, the one proposed first.
    package var line: [NodeIndex] {
        var line: [NodeIndex] = []
        while let next = ranked(Array(pool.children(of: line.last)), by: { pool.pathLogProbability(of: $0) }).first {
            line.append(next)
        }
        return line
    }

    /// The step that prolongs a chain by one token, if there is none yet; nothing at the limit.
    ///
    /// - Parameters:
    ///   - chain: the chain so far, from a child of the base down.
    ///   - width: how many proposals to ask for; the chain takes one.
    func prolonging(_ chain: [NodeIndex], to length: Int, width: Int = 1) -> [Expansion] {
        guard chain.count < Swift.min(length, nodes), isOpen(chain.last, depth: length) else { return [] }
        return [Expansion(node: chain.last, width: width)]
    }
}
