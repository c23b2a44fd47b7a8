import Foundation
import PacelineSpeculation
import Testing

@Suite("Tree grower")
struct TreeGrowerTests {
    private let target = ScriptedTarget(seed: 9, vocabulary: 50)

    @Test("expands the base first, then the most probable nodes, and none twice")
    func bestFirst() throws {
        var generator = SplitMix(seed: 30)
        for _ in 0..<50 {
            var grower = TreeGrower(
                policy: GrowthPolicy(nodes: 60, minimumProbability: 0, depth: 6, batch: 3, minimumGain: 0)
            )
            var tree = TokenTree()
            var seen: Set<NodeIndex?> = []
            while let batch = grower.next(tree) {
                #expect(seen.isEmpty == (batch == [nil]))
                #expect(seen.isDisjoint(with: batch))
                seen.formUnion(batch)
                let values = batch.map { tree.pathLogProbability(of: $0) }
                #expect(values == values.sorted(by: >))
                let open = tree.indices.filter { !seen.contains($0) && tree.depth(of: $0) < 6 }
                #expect(open.allSatisfy { tree.pathLogProbability(of: $0) <= values[values.count - 1] })
                let proposals = batch.map { _ in Self.randomProposals(using: &generator) }
                try grower.insert(proposals, at: batch, into: &tree)
            }
        }
    }

    @Test("grows the tree of the most probable paths that an exhaustive search finds")
    func growsBestTree() throws {
        for budget in [1, 2, 5, 10, 20] {
            var drafter = ScriptedDrafter(target: target, reliability: 60)
            var policy = GrowthPolicy(
                nodes: 512,
                verified: budget,
                minimumProbability: 0,
                depth: 5,
                width: 3,
                batch: 1,
                minimumGain: 0
            )
            let best = try grow(TreeGrower(policy: policy), with: &drafter).subtree(keeping: budget).tree
            policy.verified = 512
            let all = try grow(TreeGrower(policy: policy), with: &drafter).subtree(keeping: budget).tree
            #expect(abs(expectedTokens(best) - expectedTokens(all)) < 1e-9)
        }
    }

    @Test("stops when a step promises less than the minimum gain")
    func stopsAtGain() throws {
        var steps: [Int] = []
        for gain in [0.5, 0.1, 0.01, 0] {
            var drafter = ScriptedDrafter(target: target, reliability: 50)
            let policy = GrowthPolicy(nodes: 200, verified: 200, minimumProbability: 0, depth: 20, minimumGain: gain)
            _ = try grow(TreeGrower(policy: policy), with: &drafter)
            steps.append(drafter.steps)
        }
        #expect(steps == steps.sorted())
        #expect(steps[0] < steps[3])
    }

    @Test("respects node, depth and tree limits")
    func limits() throws {
        var drafter = ScriptedDrafter(target: target, reliability: 70)
        let policy = GrowthPolicy(nodes: 33, minimumProbability: 0, depth: 4, minimumGain: 0)
        let tree = try grow(TreeGrower(policy: policy), with: &drafter)
        #expect(tree.count == 33)
        #expect(tree.indices.allSatisfy { tree.depth(of: $0) <= 4 })
        var grower = TreeGrower(policy: GrowthPolicy(nodes: 1000, minimumProbability: 0, depth: 99, minimumGain: 0))
        drafter.begin(base: [1], sampling: .greedy)
        var small = TokenTree(limits: TreeLimits(nodes: 7, depth: 2))
        while let batch = grower.next(small) {
            try grower.insert(drafter.expand(small, at: batch, width: 4), at: batch, into: &small)
        }
        #expect(small.count == 7)
    }

    @Test("expands nothing without budget or credit")
    func zeroBudget() {
        #expect(TreeGrower(policy: GrowthPolicy(nodes: 0)).next(TokenTree()) == nil)
        #expect(TreeGrower(policy: GrowthPolicy(verified: 0)).next(TokenTree()) == nil)
    }

    @Test("after re-rooting continues as if it had grown the surviving tree itself")
    func advance() throws {
        var drafter = ScriptedDrafter(target: target, reliability: 80)
        drafter.begin(base: [1], sampling: .greedy)
        var grower = TreeGrower(
            policy: GrowthPolicy(nodes: 512, verified: 512, minimumProbability: 0, depth: 8, minimumGain: 0)
        )
        var tree = TokenTree()
        for _ in 0..<6 {
            let batch = try #require(grower.next(tree))
            try grower.insert(drafter.expand(tree, at: batch, width: 4), at: batch, into: &tree)
        }
        let expanded = tree.indices.map { grower.isExpanded($0) }
        let child = try #require(tree.indices.first { expanded[$0] })
        let rerooting = tree.reroot(after: tree.tokens(onPathTo: child))
        grower.advance(rerooting)
        #expect(grower.isExpanded(nil))
        #expect(rerooting.tree.indices.map { grower.isExpanded($0) } == rerooting.kept.map { expanded[$0] })
        grower.advance(rerooting.tree.reroot(after: [9999]))
        #expect(!grower.isExpanded(nil))
    }

    @Test("improbable proposals wait until the base grows towards them")
    func reserve() throws {
        var grower = TreeGrower(policy: GrowthPolicy(minimumProbability: 0.1))
        var tree = TokenTree()
        let likely = Candidate(token: 1, logProbability: log(0.6))
        let unlikely = Candidate(token: 2, logProbability: log(0.12))
        #expect(try grower.insert([[likely, unlikely]], at: [nil], into: &tree) == [0, 1])
        // 0.6 * 0.12 is below the threshold, 0.12 alone is not.
        #expect(try grower.insert([[likely, unlikely]], at: [0], into: &tree) == [2])
        let rerooting = tree.reroot(after: [1])
        tree = rerooting.tree
        grower.advance(rerooting)
        #expect(try grower.admit(into: &tree) == [1])
        #expect(tree[1].parent == nil && tree[1].token == 2)
        #expect(abs(tree[1].logProbability - unlikely.logProbability) < 1e-5)
        #expect(try grower.admit(into: &tree).isEmpty)
    }

    @Test("spends a small credit almost as well as if the best nodes were known in advance")
    func creditIsSpentWell() throws {
        for reliability: UInt64 in [40, 60, 80] {
            for credit in [8, 16, 32] {
                var drafter = ScriptedDrafter(target: target, reliability: reliability)
                var policy = GrowthPolicy(nodes: credit, verified: credit, minimumProbability: 0, depth: 20)
                policy.minimumGain = 0
                let tree = try grow(TreeGrower(policy: policy), with: &drafter)
                #expect(tree.count == credit)
                policy.nodes = 512
                let pool = try grow(TreeGrower(policy: policy), with: &drafter)
                let best = pool.subtree(keeping: credit).tree
                #expect(expectedTokens(tree) > 0.95 * expectedTokens(best))
            }
        }
    }

    @Test("fills a small credit with siblings only once it stops growing")
    func leavesRoom() throws {
        var grower = TreeGrower(policy: GrowthPolicy(nodes: 4, verified: 4))
        var tree = TokenTree()
        let proposals = [0.8, 0.1, 0.06, 0.03].enumerated().map {
            Candidate(token: Token($0), logProbability: Float(log($1)))
        }
        #expect(try grower.insert([proposals], at: [nil], into: &tree) == [0])
        #expect(try grower.admit(into: &tree, isGrowing: false) == [1, 2, 3])
        #expect(tree.map(\.token) == [0, 1, 2, 3])
    }

    @Test("a drafter's invalid log-probability is an error", arguments: [Float.nan, 0.5, -Float.infinity])
    func invalidBelief(value: Float) {
        var grower = TreeGrower()
        var tree = TokenTree()
        #expect(throws: TreeError.self) {
            try grower.insert([[Candidate(token: 0, logProbability: value)]], at: [nil], into: &tree)
        }
        #expect(tree.isEmpty)
    }

    @Test("identical drafters with different shards all draft the preferred line and split the rest")
    func shards() throws {
        let grown = try (0..<3).map { index in
            var drafter = ScriptedDrafter(target: target, reliability: 50)
            let shard = OutcomeShard(index: index, count: 3)
            let policy = GrowthPolicy(
                nodes: 512,
                verified: 512,
                minimumProbability: 0,
                depth: 4,
                width: 3,
                minimumGain: 0,
                shard: shard
            )
            return try grow(TreeGrower(policy: policy), with: &drafter)
        }
        var whole = ScriptedDrafter(target: target, reliability: 50)
        let policy = GrowthPolicy(nodes: 512, verified: 512, minimumProbability: 0, depth: 4, width: 3, minimumGain: 0)
        let all = try grow(TreeGrower(policy: policy), with: &whole)
        for tree in grown { #expect(tree.count < all.count) }
        let union = grown.reduce(into: Set()) { $0.formUnion($1.paths.keys) }
        #expect(union == Set(all.paths.keys))
        let shared = grown.dropFirst().reduce(Set(grown[0].paths.keys)) { $0.intersection($1.paths.keys) }
        // The line, and the siblings that come with expanding it.
        #expect(shared.count == 4 * 3)
    }

    private func grow(_ grower: TreeGrower, with drafter: inout ScriptedDrafter) throws -> TokenTree {
        var grower = grower
        var tree = TokenTree()
        drafter.begin(base: [1], sampling: .greedy)
        while let batch = grower.next(tree) {
            let proposals = try drafter.expand(tree, at: batch, width: grower.policy.width)
            try grower.insert(proposals, at: batch, into: &tree)
            if grower.next(tree) == nil { try grower.admit(into: &tree, isGrowing: false) }
        }
        return tree
    }

    private func expectedTokens(_ tree: TokenTree) -> Double {
        tree.indices.reduce(0) { $0 + exp(tree.pathLogProbability(of: $1)) }
    }

    private static func randomProposals(using generator: inout SplitMix) -> [Candidate] {
        let beliefs = (0..<4).map { _ in Float.random(in: -3 ... -0.5, using: &generator) }.sorted(by: >)
        return beliefs.enumerated().map { Candidate(token: Token($0), logProbability: $1) }
    }
}
