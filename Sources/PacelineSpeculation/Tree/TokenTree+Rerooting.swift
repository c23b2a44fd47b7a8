extension TokenTree {
    /// The tree that remains when `committed` tokens have been appended to the base.
    ///
    /// Everything below the node that the tokens lead to survives; nothing survives if the tokens leave the tree.
    package func reroot(after committed: [Token]) -> Rerooting {
        let path = descend(committed)
        guard path.count == committed.count else {
            return Rerooting(committed: committed, path: path, kept: [], tree: TokenTree(limits: limits))
        }
        let root = PlantedBug.rerootOffByOne.isPlanted ? path.dropLast().last : path.last
        let (tree, kept) = extract(below: root) { _ in true }
        return Rerooting(committed: committed, path: path, kept: kept, tree: tree)
    }

    /// The connected part of the tree that holds the `budget` most probable paths.
    ///
    /// A path is never more probable than its parent's, so the most probable nodes are connected. Of equally probable
    /// nodes, the one added first is kept (EAGLE-2 §4.2, arXiv 2406.16858; OPT-Tree, arXiv 2406.17276).
    ///
    /// - Returns: the subtree, and the index in this tree of each of its nodes, ascending.
    package func subtree(keeping budget: Int) -> (tree: TokenTree, kept: [NodeIndex]) {
        guard budget < count else { return (self, Array(indices)) }
        guard budget > 0 else { return (TokenTree(limits: limits), []) }
        let ranked = indices.sorted { lhs, rhs in
            let (left, right) = (entries[lhs].pathLogProbability, entries[rhs].pathLogProbability)
            return left == right ? lhs < rhs : left > right
        }
        var isKept = [Bool](repeating: false, count: count)
        for node in ranked.prefix(budget) {
            isKept[node] = true
        }
        return extract(below: nil) { isKept[$0] }
    }

    /// The tree of some of the nodes.
    ///
    /// - Parameter nodes: ascending, each with its parent.
    package func subtree(of nodes: [NodeIndex]) -> TokenTree {
        var isKept = [Bool](repeating: false, count: count)
        for node in nodes { isKept[node] = true }
        return extract(below: nil) { isKept[$0] }.tree
    }

    /// The tree without some nodes and all that is below them.
    func dropping(_ nodes: [NodeIndex]) -> Rerooting {
        var isKept = [Bool](repeating: true, count: count)
        for node in nodes { isKept[node] = false }
        let (tree, kept) = extract(below: nil) { isKept[$0] }
        return Rerooting(committed: [], path: [], kept: kept, tree: tree)
    }

    /// Copies the nodes below `root` for which `keeps` is true and whose parents are copied too.
    func extract(below root: NodeIndex?, where keeps: (NodeIndex) -> Bool) -> (tree: TokenTree, kept: [NodeIndex]) {
        var tree = TokenTree(limits: limits)
        var kept: [NodeIndex] = []
        var newIndex = [NodeIndex](repeating: -1, count: count)
        for node in (root.map { $0 + 1 } ?? 0)..<count where keeps(node) {
            var copy = self[node]
            if copy.parent == root {
                copy.parent = nil
            } else {
                guard let parent = copy.parent, newIndex[parent] >= 0 else { continue }
                copy.parent = newIndex[parent]
            }
            newIndex[node] = tree.link(copy)
            kept.append(node)
        }
        return (tree, kept)
    }
}
