import Foundation
import PacelineSpeculation
import Testing

@Suite("Re-rooting")
struct RerootingTests {
    @Test("keeps exactly the paths that begin with the committed tokens, without them")
    func keepsSurvivors() throws {
        var generator = SplitMix(seed: 6)
        for _ in 0..<500 {
            let tree = try TokenTree.random(using: &generator)
            let committed = Self.randomCommit(in: tree, using: &generator)
            let rerooting = tree.reroot(after: committed)
            let survivors = tree.paths.filter { $0.key.starts(with: committed) && $0.key.count > committed.count }
            let expected = survivors.map { ($0.key.dropFirst(committed.count), $0.value.dropFirst(committed.count)) }
            #expect(rerooting.tree.paths == Dictionary(uniqueKeysWithValues: expected.map { (Array($0), Array($1)) }))
        }
    }

    @Test("maps survivors to their old indices in ascending order")
    func mapsIndices() throws {
        var generator = SplitMix(seed: 7)
        for _ in 0..<500 {
            let tree = try TokenTree.random(using: &generator)
            let committed = Self.randomCommit(in: tree, using: &generator)
            let rerooting = tree.reroot(after: committed)
            #expect(rerooting.kept.count == rerooting.tree.count)
            #expect(zip(rerooting.kept, rerooting.kept.dropFirst()).allSatisfy { $0 < $1 })
            for (new, old) in rerooting.kept.enumerated() {
                #expect(committed + rerooting.tree.tokens(onPathTo: new) == tree.tokens(onPathTo: old))
            }
            #expect(rerooting.path.map { tree[$0].token } == Array(committed.prefix(rerooting.path.count)))
            #expect(rerooting.path == tree.path(to: rerooting.path.last))
        }
    }

    @Test("in several steps is the same as in one")
    func composes() throws {
        var generator = SplitMix(seed: 8)
        for _ in 0..<300 {
            let tree = try TokenTree.random(using: &generator)
            let committed = Self.randomCommit(in: tree, using: &generator)
            let cut = Int.random(in: 0...committed.count, using: &generator)
            let stepwise = tree.reroot(after: Array(committed[..<cut])).tree.reroot(after: Array(committed[cut...]))
            #expect(stepwise.tree == tree.reroot(after: committed).tree)
        }
    }

    @Test("by no tokens changes nothing")
    func empty() throws {
        var generator = SplitMix(seed: 9)
        let tree = try TokenTree.random(using: &generator)
        #expect(tree.reroot(after: []) == Rerooting(committed: [], path: [], kept: Array(tree.indices), tree: tree))
    }

    @Test("leaves nothing when the tokens leave the tree, and says how far they followed it")
    func leavesTree() throws {
        let tree = try TokenTree([
            .init(parent: nil, token: 1, logProbability: 0), .init(parent: 0, token: 2, logProbability: 0),
            .init(parent: 1, token: 3, logProbability: 0),
        ])
        let rerooting = tree.reroot(after: [1, 2, 9])
        #expect(rerooting == Rerooting(committed: [1, 2, 9], path: [0, 1], kept: [], tree: TokenTree()))
    }

    @Test("keeps the tree's limits")
    func limits() throws {
        let limits = TreeLimits(nodes: 3, depth: 2, vocabularySize: 10)
        let tree = try TokenTree([.init(parent: nil, token: 1, logProbability: 0)], limits: limits)
        #expect(tree.reroot(after: [1]).tree.limits == limits)
        #expect(tree.reroot(after: [2]).tree.limits == limits)
    }

    /// Mostly the path to a node, sometimes with a foreign token at its end.
    private static func randomCommit(in tree: TokenTree, using generator: inout SplitMix) -> [Token] {
        let node = Int.random(in: 0..<tree.count, using: &generator)
        let path = tree.tokens(onPathTo: node)
        let prefix = Array(path.prefix(Int.random(in: 0...path.count, using: &generator)))
        return Bool.random(using: &generator) ? prefix : prefix + [Token.random(in: 0..<7, using: &generator)]
    }
}

@Suite("Subtree by budget")
struct SubtreeTests {
    @Test("has the largest sum of path probabilities among all connected sets of that size")
    func optimal() throws {
        var generator = SplitMix(seed: 10)
        for _ in 0..<60 {
            let tree = try TokenTree.random(RandomTreeShape(nodes: 1...11), using: &generator)
            for budget in 0...tree.count {
                let value = expectedTokens(tree.subtree(keeping: budget).kept, of: tree)
                #expect(abs(value - bestConnected(of: tree, size: budget)) < 1e-12)
            }
        }
    }

    @Test("is a tree of the asked size whose nodes are the kept ones")
    func consistent() throws {
        var generator = SplitMix(seed: 11)
        for _ in 0..<200 {
            let tree = try TokenTree.random(using: &generator)
            let budget = Int.random(in: 0...50, using: &generator)
            let (subtree, kept) = tree.subtree(keeping: budget)
            #expect(subtree.count == min(budget, tree.count))
            #expect(kept.count == subtree.count)
            for (new, old) in kept.enumerated() {
                #expect(subtree.tokens(onPathTo: new) == tree.tokens(onPathTo: old))
                #expect(subtree[new].logProbability == tree[old].logProbability)
            }
        }
    }

    @Test("prefers the earlier node where probabilities are equal")
    func ties() throws {
        let equal = (0..<Token(6)).map { TokenTree.Node(parent: nil, token: $0, logProbability: -1) }
        #expect(try TokenTree(equal).subtree(keeping: 3).kept == [0, 1, 2])
        // A certain child is as probable as its parent, and must not displace it.
        let chain = try TokenTree([
            .init(parent: nil, token: 0, logProbability: -1), .init(parent: 0, token: 0, logProbability: 0),
            .init(parent: 1, token: 0, logProbability: 0),
        ])
        #expect(chain.subtree(keeping: 2).kept == [0, 1])
    }

    private func expectedTokens(_ nodes: [NodeIndex], of tree: TokenTree) -> Double {
        nodes.reduce(0) { $0 + exp(tree.pathLogProbability(of: $1)) }
    }

    private func bestConnected(of tree: TokenTree, size: Int) -> Double {
        var best = 0.0
        for mask in 0..<(1 << tree.count) where mask.nonzeroBitCount == size {
            let nodes = tree.indices.filter { mask >> $0 & 1 == 1 }
            let isConnected = nodes.allSatisfy { node in tree[node].parent.map { mask >> $0 & 1 == 1 } ?? true }
            if isConnected { best = max(best, expectedTokens(nodes, of: tree)) }
        }
        return best
    }
}
