package import PacelineSpeculation

/// What a head drafts for one sequence, from the target's features of its committed tokens.
///
/// A value: a copy drafts on by itself. Copies share the head's network, so they stay on one thread.
package protocol FeatureDraft {
    /// The position of the feature that is to be committed next.
    var end: Int { get }

    /// Appends rows of the target's features and the tokens after them; drops what has been drafted.
    ///
    /// - Parameters:
    ///   - features: tokens × width. The first row is the feature of the position after those of earlier calls.
    ///   - tokens: row i is the token at the position after that of feature i.
    mutating func commit(features: ArraySlice<Float>, tokens new: [Token])

    /// Proposes children for nodes of a tree below the committed tokens, whose nodes keep their indices until the next
    /// commit.
    ///
    /// - Parameters:
    ///   - nodes: nil is the last committed token.
    ///   - width: the most children to propose for each node.
    ///   - legal: for each of `nodes`, what may be proposed; nil for any token.
    /// - Returns: for each of `nodes`, the best first; nothing before the first commit.
    /// - Throws: ``LogitError`` if the weights or features give logits that are not finite.
    mutating func expand(
        _ tree: TokenTree,
        at nodes: [NodeIndex?],
        width: Int,
        legal: [LegalTokens]?
    ) throws(LogitError) -> [[Candidate]]
}

/// How a tree grows: EAGLE-2's rule (arXiv 2406.16858).
package struct DraftGrowth: Equatable, Sendable {
    /// Nodes that are kept.
    package var nodes: Int
    package var depth: Int
    /// Nodes of a level that are expanded, and children of each.
    package var width: Int

    package init(nodes: Int, depth: Int, width: Int) {
        (self.nodes, self.depth, self.width) = (nodes, depth, width)
    }

    /// The best token, behind it the best token, and so on.
    package static func chain(_ length: Int) -> DraftGrowth { DraftGrowth(nodes: length, depth: length, width: 1) }
}

extension FeatureDraft {
    /// Proposes children that a text may go on with.
    ///
    /// - Parameter text: nil if every token is legal.
    mutating func expand(
        _ tree: TokenTree,
        at nodes: [NodeIndex?],
        width: Int,
        of text: ConstrainedText?
    ) throws(LogitError) -> [[Candidate]] {
        guard let text else { return try expand(tree, at: nodes, width: width, legal: nil) }
        let legal = nodes.map { text.legalTokens(behind: tree.tokens(onPathTo: $0)) }
        let reachable = nodes.indices.filter { !legal[$0].isEmpty }
        var proposals = [[Candidate]](repeating: [], count: nodes.count)
        guard !reachable.isEmpty else { return proposals }
        let candidates = try expand(
            tree,
            at: reachable.map { nodes[$0] },
            width: width,
            legal: reachable.map { legal[$0] }
        )
        for (place, candidates) in zip(reachable, candidates) { proposals[place] = candidates }
        return proposals
    }

    /// Drafts a tree: expands the most probable nodes of each level, then keeps the most probable of all.
    ///
    /// A node is never more probable than its parent, so parents are kept with their children.
    ///
    /// - Throws: ``LogitError`` as ``expand(_:at:width:legal:)``.
    package mutating func tree(_ growth: DraftGrowth) throws -> TokenTree {
        let limits = TreeLimits(nodes: growth.depth * growth.width * growth.width, depth: growth.depth)
        var all = TokenTree(limits: limits)
        var frontier: [NodeIndex?] = [nil]
        for _ in 0..<growth.depth {
            let proposals = try expand(all, at: frontier, width: growth.width, legal: nil)
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
