extension TokenTree {
    /// The node's parent; `nil` for a child of the base.
    package func parent(of node: NodeIndex) -> NodeIndex? {
        let parent = entries[node].parent
        return parent < 0 ? nil : Int(parent)
    }

    package func token(of node: NodeIndex) -> Token {
        entries[node].token
    }

    /// The number of nodes on the path to `node`, including `node`; 0 for the base.
    package func depth(of node: NodeIndex?) -> Int {
        node.map { Int(entries[$0].depth) } ?? 0
    }

    /// The logarithm of the drafter's probability for the whole path to `node`; 0 for the base.
    ///
    /// Never greater than that of the node's parent.
    package func pathLogProbability(of node: NodeIndex?) -> Double {
        node.map { entries[$0].pathLogProbability } ?? 0
    }

    /// The children of a node, or of the base, in the order they were added.
    package func children(of node: NodeIndex?) -> Children {
        Children(tree: self, first: childList(of: node).first)
    }

    /// The child of a node, or of the base, that carries `token`.
    package func child(of node: NodeIndex?, token: Token) -> NodeIndex? {
        var next = childList(of: node).first
        while next >= 0 {
            if entries[Int(next)].token == token { return Int(next) }
            next = entries[Int(next)].nextSibling
        }
        return nil
    }

    /// The nodes from the child of the base down to `node`; empty for the base.
    package func path(to node: NodeIndex?) -> [NodeIndex] {
        var path: [NodeIndex] = []
        path.reserveCapacity(depth(of: node))
        var next = node
        while let node = next {
            path.append(node)
            next = parent(of: node)
        }
        path.reverse()
        return path
    }

    /// The tokens on the path from the base to `node`, including that of `node`.
    package func tokens(onPathTo node: NodeIndex?) -> [Token] {
        path(to: node).map { entries[$0].token }
    }

    /// The nodes that `tokens` lead through from the base, up to the first token that is not in the tree.
    package func descend(_ tokens: some Sequence<Token>) -> [NodeIndex] {
        var path: [NodeIndex] = []
        for token in tokens {
            guard let next = child(of: path.last, token: token) else { break }
            path.append(next)
        }
        return path
    }

    private func childList(of node: NodeIndex?) -> ChildList {
        node.map { entries[$0].children } ?? baseChildren
    }
}

extension TokenTree {
    /// The children of one node, in the order they were added.
    package struct Children: Sequence, IteratorProtocol {
        let tree: TokenTree
        var upcoming: Int32

        init(tree: TokenTree, first: Int32) {
            self.tree = tree
            self.upcoming = first
        }

        package mutating func next() -> NodeIndex? {
            guard upcoming >= 0 else { return nil }
            let node = Int(upcoming)
            upcoming = tree.entries[node].nextSibling
            return node
        }
    }
}
