import PacelineSpeculation
import Testing

@Suite("Tree planners")
struct TreePlannerTests {
    private static func policy(_ planner: PlannerSettings, nodes: Int = 40, depth: Int = 8) -> GrowthPolicy {
        GrowthPolicy(nodes: nodes, minimumProbability: 0, depth: depth, minimumGain: 0, planner: planner)
    }

    @Test("every planner there is has a sample in these tests")
    func samples() throws {
        #expect(Set(try PlannerSettings.samples.map(\.name)) == Set(PlannerName.allCases))
    }

    @Test("trees and selections keep to room, depth and width, and drafting ends", arguments: 0..<20)
    func bounds(seed: UInt64) throws {
        for planner in try PlannerSettings.samples {
            var random = SplitMix(seed: seed)
            for _ in 0..<4 {
                var drafter = LawDrafter(seed: random.next())
                drafter.silent = random.next(below: 2) * 20
                let (nodes, depth) = (random.next(below: 30), random.next(below: 7))
                let tree = try SequenceDraft.drafted(Self.policy(planner, nodes: nodes, depth: depth), drafter)
                #expect(tree.count <= nodes && tree.deepest <= depth, "\(planner)")
                let limit = [planner[.nodes], planner[.depth], planner[.length]].map { $0 > 0 ? Int($0) : .max }
                #expect(tree.deepest <= min(limit[1], limit[2]), "\(planner)")
                let room = random.next(below: 20)
                guard let made = planner.makePlanner() else { continue }
                let chosen = made.selection(of: tree, nodes: room)
                #expect(chosen.count <= min(room, limit[0]), "\(planner)")
                #expect(chosen.paths.allSatisfy { tree.paths[$0.key] == $0.value }, "\(planner)")
            }
        }
    }

    @Test("a node never has more children than the planner's width")
    func widths() throws {
        for (text, width) in [("tree:width=3,depth=3", 3), ("rsd-c:width=2,depth=3", 2), ("chain:length=5", 1)] {
            for seed in 0..<10 as Range<UInt64> {
                let tree = try SequenceDraft.drafted(Self.policy(try PlannerSettings(text)), LawDrafter(seed: seed))
                let inner = [nil] + tree.indices.map(Optional.some)
                #expect(inner.allSatisfy { Array(tree.children(of: $0)).count <= width }, "\(text)")
            }
        }
    }

    @Test("the same drafter and settings give the same tree", arguments: 0..<10)
    func deterministic(seed: UInt64) throws {
        for planner in try PlannerSettings.samples {
            let trees = try (0..<2).map { _ in
                try SequenceDraft.drafted(Self.policy(planner), LawDrafter(seed: seed))
            }
            #expect(trees[0] == trees[1] && !trees[0].isEmpty, "\(planner)")
        }
    }

    @Test("planners that go by probability choose the same paths in whatever order nodes come", arguments: 0..<20)
    func permutation(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let tree = try LawDrafter(seed: seed).wholeTree(depth: 3)
        let shuffled = try Self.shuffled(tree, using: &random)
        #expect(shuffled.paths == tree.paths)
        for planner in try PlannerSettings.samples where ![.tree, .sequoia].contains(planner.name) {
            guard let made = planner.makePlanner() else { continue }
            for nodes in [0, 1, 5, 11, 100] {
                let (one, other) = (made.selection(of: tree, nodes: nodes), made.selection(of: shuffled, nodes: nodes))
                let isBeam = planner.name == .stochasticBeam || planner.name == .gumbelTree
                // Of a level that does not fit, the greatest values or the first parents stay.
                if isBeam, nodes == 5 || nodes == 11 { continue }
                #expect(one.paths == other.paths, "\(planner), \(nodes) nodes")
            }
        }
    }

    @Test("without candidates, room or depth there is no tree, and nothing fails")
    func nothing() throws {
        for planner in try PlannerSettings.samples {
            var mute = LawDrafter(seed: 1)
            mute.silent = 100
            #expect(try SequenceDraft.drafted(Self.policy(planner), mute).isEmpty)
            #expect(try SequenceDraft.drafted(Self.policy(planner, nodes: 0), LawDrafter(seed: 1)).isEmpty)
            #expect(try SequenceDraft.drafted(Self.policy(planner, depth: 0), LawDrafter(seed: 1)).isEmpty)
            #expect(try SequenceDraft.drafted(Self.policy(planner, nodes: 1), LawDrafter(seed: 1)).count == 1)
            guard let made = planner.makePlanner() else { continue }
            for nodes in [-1, 0, 1, 9] { #expect(made.selection(of: TokenTree(), nodes: nodes).isEmpty) }
            let tree = try LawDrafter(seed: 1).wholeTree(depth: 2)
            #expect(made.selection(of: tree, nodes: -1).isEmpty && made.selection(of: tree, nodes: 0).isEmpty)
        }
    }

    @Test("ties everywhere, and probabilities of 0 and 1, give trees of finite probabilities")
    func extremes() throws {
        for planner in try PlannerSettings.samples {
            var even = LawDrafter(seed: 3)
            even.parts = 4
            let tree = try SequenceDraft.drafted(Self.policy(planner), even)
            #expect(!tree.isEmpty && tree.allSatisfy { $0.logProbability.isFinite }, "\(planner)")
            for value: Float in [0, -.leastNonzeroMagnitude, -1e4, -3e38] {
                let extreme = try TokenTree((0..<4).map { .init(parent: nil, token: $0, logProbability: value) })
                guard let made = planner.makePlanner() else { continue }
                #expect(made.selection(of: extreme, nodes: 3).count <= 3, "\(planner) at \(value)")
            }
        }
    }

    @Test("a tree that was re-rooted is completed from where it stands", arguments: 0..<10)
    func rerooted(seed: UInt64) throws {
        for planner in try PlannerSettings.samples {
            var draft = SequenceDraft(drafters: [LawDrafter(seed: seed)], policy: Self.policy(planner))
            try draft.begin(base: [1], sampling: .greedy)
            for round in 0..<6 {
                while try draft.step() {}
                // Nothing need be above a threshold.
                let mayBeEmpty = planner[.threshold] > 0
                #expect(draft.tree.count <= 40 && (mayBeEmpty || !draft.tree.isEmpty), "\(planner) in round \(round)")
                let first = draft.tree.children(of: nil).first { _ in true }.map { draft.tree.token(of: $0) } ?? 0
                try draft.commit(round % 2 == 0 ? [first] : [first, 9])
            }
        }
    }

    /// The same tree with its nodes in another order.
    private static func shuffled(_ tree: TokenTree, using random: inout SplitMix) throws -> TokenTree {
        var copy = TokenTree()
        var open: [(old: NodeIndex, parent: NodeIndex?)] = tree.children(of: nil).map { ($0, nil) }
        while !open.isEmpty {
            let (old, parent) = open.remove(at: random.next(below: open.count))
            var node = tree[old]
            node.parent = parent
            let index = try copy.append(node)
            open += tree.children(of: old).map { ($0, index) }
        }
        return copy
    }
}
