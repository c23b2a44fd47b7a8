package import PacelineSpeculation

extension EagleDraft {
    /// How a tree grows: EAGLE-2's rule (arXiv 2406.16858).
    package struct Growth: Equatable, Sendable {
        /// Nodes that are kept.
        package var nodes: Int
        package var depth: Int
        /// Nodes of a level that are expanded, and children of each.
        package var width: Int

        package init(nodes: Int, depth: Int, width: Int) {
            (self.nodes, self.depth, self.width) = (nodes, depth, width)
        }

        /// The best token, behind it the best token, and so on.
        package static func chain(_ length: Int) -> Growth { Growth(nodes: length, depth: length, width: 1) }
    }

    /// Drafts a tree: expands the most probable nodes of each level, then keeps the most probable of all.
    ///
    /// A node is never more probable than its parent, so parents are kept with their children.
    ///
    /// - Throws: ``LogitError`` as ``expand(_:at:width:)``.
    package mutating func tree(_ growth: Growth) throws -> TokenTree {
        let limits = TreeLimits(nodes: growth.depth * growth.width * growth.width, depth: growth.depth)
        var all = TokenTree(limits: limits)
        var frontier: [NodeIndex?] = [nil]
        for _ in 0..<growth.depth {
            let proposals = try expand(all, at: frontier, width: growth.width)
            var level: [NodeIndex] = []
            for (parent, candidates) in zip(frontier, proposals) {
                for candidate in candidates {
                    let node = TokenTree.Node(
                        parent: parent,
                        token: candidate.token,
                        logProbability: candidate.logProbability
                    )
                    level.append(try all.append(node))
                }
            }
            frontier = all.best(level, growth.width)
            if frontier.isEmpty { break }
        }
        return try all.keeping(Set(all.best(Array(all.indices), growth.nodes)))
    }
}

extension TokenTree {
    /// The most probable of some nodes, by their whole paths; the earlier of equal ones.
    fileprivate func best(_ nodes: [NodeIndex], _ count: Int) -> [NodeIndex] {
        let ranked = nodes.sorted { (-pathLogProbability(of: $0), $0) < (-pathLogProbability(of: $1), $1) }
        return Array(ranked.prefix(count))
    }

    /// A tree of some nodes, which have their parents among them, in the same order.
    fileprivate func keeping(_ nodes: Set<NodeIndex>) throws(TreeError) -> TokenTree {
        var (kept, places) = (TokenTree(limits: limits), [NodeIndex: NodeIndex]())
        for node in indices where nodes.contains(node) {
            var copy = self[node]
            copy.parent = copy.parent.flatMap { places[$0] }
            places[node] = try kept.append(copy)
        }
        return kept
    }
}
