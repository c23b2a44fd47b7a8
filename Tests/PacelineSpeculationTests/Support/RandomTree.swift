import PacelineSpeculation

/// How random trees of a test look.
struct RandomTreeShape {
    var nodes = 1...40
    var vocabulary: Token = 6
    /// Log-probabilities are drawn from a few multiples of 1/4, so that ties are common and sums are exact.
    var quarters = 0...12
}

extension TokenTree {
    /// A random tree: each node hangs below the base or below any earlier node.
    static func random(
        _ shape: RandomTreeShape = RandomTreeShape(),
        using generator: inout SplitMix
    ) throws(TreeError) -> TokenTree {
        var tree = TokenTree()
        for _ in 0..<Int.random(in: shape.nodes, using: &generator) {
            let parent = Int.random(in: -1..<tree.count, using: &generator)
            let node = Node(
                parent: parent < 0 ? nil : parent,
                token: Token.random(in: 0..<shape.vocabulary, using: &generator),
                logProbability: -Float(Int.random(in: shape.quarters, using: &generator)) / 4
            )
            if tree.depth(of: node.parent) < tree.limits.depth { try tree.insert(node) }
        }
        return tree
    }

    /// Each node's tokens from the base, with the log-probabilities along them: what a tree means, whatever its
    /// indices.
    var paths: [[Token]: [Float]] {
        var paths: [[Token]: [Float]] = [[]: []]
        for node in self {
            let parentTokens = tokens(onPathTo: node.parent)
            paths[parentTokens + [node.token]] = (paths[parentTokens] ?? []) + [node.logProbability]
        }
        paths[[]] = nil
        return paths
    }
}
