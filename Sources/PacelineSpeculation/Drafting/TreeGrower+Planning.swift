/// Growing as a ``TreePlanner`` says. Proposals wait in reserve until the planner expands or selects them.
extension TreeGrower {
    /// The planner's next step, as far as its nodes are in the tree; nil if there is none.
    func plannedExpansions(of tree: TokenTree, by planner: any TreePlanner) -> [Expansion]? {
        guard nodeLimit(of: tree) > 0, depthLimit(of: tree) > 0 else { return nil }
        let step = planner.step(in: growing(tree).tree).filter { expansion in
            expansion.width > 0 && (expansion.node ?? -1) < tree.count && !isExpanded(expansion.node)
        }
        return step.isEmpty ? nil : step
    }

    /// Moves proposals into the tree that the planner expands next, or if it is done, those that it selects.
    mutating func admit(into tree: inout TokenTree, by planner: any TreePlanner) throws(TreeError) -> [NodeIndex] {
        let (growing, origins) = growing(tree)
        let known = tree.count
        let step = planner.step(in: growing)
        var isAdmitted = [Bool](repeating: false, count: reserve.count)
        for node in step.isEmpty ? planner.selection(in: growing) : step.compactMap(\.node) where node >= known {
            guard tree.count < nodeLimit(of: tree) else { break }
            let origin = origins[node - known]
            try tree.insert(reserve[origin])
            isAdmitted[origin] = true
        }
        reserve = reserve.indices.filter { !isAdmitted[$0] }.suffix(Self.reserveLimit).map { reserve[$0] }
        return Array(known..<tree.count)
    }

    /// The tree as a planner sees it, and for each node of the pool beyond the tree, its index in the reserve.
    private func growing(_ tree: TokenTree) -> (tree: GrowingTree, origins: [Int]) {
        var pool = tree.unlimited
        var origins: [Int] = []
        for (origin, node) in reserve.enumerated() where tree.depth(of: node.parent) < depthLimit(of: tree) {
            guard pool.child(of: node.parent, token: node.token) == nil else { continue }
            _ = pool.link(node)
            origins.append(origin)
        }
        var ranks = [Int?](repeating: nil, count: pool.count)
        var proposed: [NodeIndex?: Int] = [:]
        for report in reports {
            let rank = proposed[report.parent, default: 0]
            proposed[report.parent] = rank + 1
            if let node = pool.child(of: report.parent, token: report.token) { ranks[node] = rank }
        }
        let growing = GrowingTree(
            pool: pool,
            ranks: ranks,
            nodes: nodeLimit(of: tree),
            depth: depthLimit(of: tree),
            isBaseExpanded: isBaseExpanded,
            expanded: expanded
        )
        return (growing, origins)
    }
}

extension TokenTree {
    /// The same nodes without limits.
    fileprivate var unlimited: TokenTree {
        var copy = TokenTree(limits: TreeLimits(nodes: .max, depth: .max))
        for node in self { _ = copy.link(node) }
        return copy
    }
}
