/// Drafts phrases from text that was drafted and not used: the phrase pool of Ouroboros (Zhao et al. 2024,
/// arXiv 2402.13720).
///
/// What a model drafts and the target does not take often fits a few tokens later. So the branches that a verdict drops
/// go into a trie, in passages of up to `length` tokens that begin at each of their nodes. A node whose last tokens
/// begin such a passage gets what followed there. Ouroboros also takes the target's own predictions at rejected nodes,
/// which a worker does not see.
///
/// Needs a drafter with a model beside it: alone, it has no discarded text to learn from. Lossless. Worth it with a
/// slow drafter, whose steps its phrases lengthen.
package struct PhraseDrafter: Drafter {
    package let length: Int
    private let shared: PassageMemory
    /// The last tokens of the base.
    private var recent: [Token] = []
    /// The tree as this drafter last saw it.
    private var seen = TokenTree()

    /// - Parameter length: of a phrase; raised to at least 2.
    package init(length: Int = 6, shared: PassageMemory) {
        self.length = Swift.max(2, length)
        self.shared = shared
    }

    package var isModelFree: Bool { true }

    package mutating func begin(base: [Token], sampling: SamplingParameters) {
        recent = base.suffix(length)
        seen = TokenTree()
    }

    package mutating func expand(_ tree: TokenTree, at nodes: [NodeIndex?], width: Int) -> [[Candidate]] {
        seen = tree
        return nodes.map { node in
            let context = (recent + tree.tokens(onPathTo: node)).suffix(length - 1)
            var mixture = EscapeMixture()
            for length in (1..<length).reversed() where length <= context.count {
                mixture.add(length: length, successors: shared.trie.successors(of: context.suffix(length)))
            }
            return mixture.best(width)
        }
    }

    package mutating func advance(_ rerooting: Rerooting) {
        collect(rerooting)
        recent = (recent + rerooting.committed).suffix(length)
        seen = rerooting.tree
    }

    /// Keeps the phrases of nodes that are neither committed nor in the new tree.
    private mutating func collect(_ rerooting: Rerooting) {
        guard !rerooting.committed.isEmpty else { return }
        let used = Set(rerooting.path + rerooting.kept)
        let discarded = seen.indices.filter { !used.contains($0) }
        let inner = Set(discarded.compactMap { seen.parent(of: $0) })
        for leaf in discarded where !inner.contains(leaf) {
            let branch = seen.path(to: leaf).drop(while: used.contains).map { seen.token(of: $0) }
            for start in branch.indices where branch.count - start > 1 {
                shared.trie.add(branch[start...].prefix(length))
            }
        }
    }
}
