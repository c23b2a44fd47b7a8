extension TreeGrower {
    /// The most proposals that wait outside the tree; the least probable are dropped first.
    static let reserveLimit = 1024

    /// Moves proposals from the reserve into the tree, the most probable first, if the verifier has room for them and
    /// they are worth the credit. Worth calling after the base has grown or the policy has changed.
    ///
    /// While the tree is still growing, this leaves room for more probable nodes that further steps are likely to
    /// bring. Otherwise improbable siblings would use up a small credit before the preferred line has become long.
    ///
    /// - Parameter isGrowing: whether further steps will follow; if not, no room is left.
    /// - Returns: the indices of the new nodes, ascending.
    /// - Throws: ``TreeError`` if a proposal is not a valid node.
    @discardableResult
    package mutating func admit(
        into tree: inout TokenTree,
        isGrowing: Bool = true
    ) throws(TreeError) -> [NodeIndex] {
        guard !reserve.isEmpty else { return [] }
        if let planner { return try admit(into: &tree, by: planner) }
        let depthLimit = depthLimit(of: tree)
        let floor = floor(of: tree)
        var frontier = isGrowing ? self.frontier(of: tree) : []
        var added: [NodeIndex] = []
        var remaining: [TokenTree.Node] = []
        // Thresholds repeat, and logarithms take long.
        var (known, least) = (Double.nan, 0.0)
        let step = preferredStep
        for (node, path) in ranked(reserve, in: tree) {
            let threshold = threshold(below: node.parent, in: tree, floor: floor)
            if threshold != known { (known, least) = (threshold, Double.logarithm(threshold)) }
            guard path >= least, tree.depth(of: node.parent) < depthLimit,
                tree.count + expectedNodes(above: path, from: frontier, step: step, in: tree) < nodeLimit(of: tree)
            else {
                remaining.append(node)
                continue
            }
            let (index, isNew) = try tree.insert(node)
            if isNew { added.append(index) }
            if isGrowing { frontier.append(index) }
        }
        reserve = Array(remaining.prefix(Self.reserveLimit))
        return added
    }

    /// By how much the log-probability of a preferred line falls with each of its nodes.
    private var preferredStep: Double { -Double.logarithm(Swift.min(Swift.max(preferredShare, 0.05), 0.95)) }

    /// How many nodes with paths more probable than `path` further steps are likely to bring.
    ///
    /// Counts the preferred lines that begin at the frontier, assuming that they go on as such lines usually do.
    ///
    /// - Parameter step: ``preferredStep``.
    private func expectedNodes(
        above path: Double,
        from frontier: [NodeIndex?],
        step: Double,
        in tree: TokenTree
    ) -> Int {
        let depthLimit = depthLimit(of: tree)
        return frontier.reduce(0) { sum, node in
            let room = Swift.max(0, depthLimit - tree.depth(of: node))
            let length = (tree.pathLogProbability(of: node) - path) / step
            return sum + Int(Swift.min(Swift.max(length, 0), Double(room)))
        }
    }

    /// Nodes with the log-probabilities of their paths, the most probable first; equals in the order of proposal.
    private func ranked(
        _ nodes: [TokenTree.Node],
        in tree: TokenTree
    ) -> [(node: TokenTree.Node, path: Double)] {
        let paths = nodes.map { tree.pathLogProbability(of: $0.parent) + Double($0.logProbability) }
        let order = nodes.indices.sorted { paths[$0] == paths[$1] ? $0 < $1 : paths[$0] > paths[$1] }
        return order.map { (nodes[$0], paths[$0]) }
    }
}
