import PacelineSpeculation
import Testing

@Suite("Identity of tokens with tree planners")
struct PlannerIdentityTests {
    @Test("every planner, with any drafters, emits the plain sequence", arguments: 0..<3)
    func identity(seed: UInt64) throws {
        let text = PartlyRepeatedText(seed: seed, length: 420, repeated: 60)
        for planner in try PlannerSettings.samples {
            var random = SplitMix(seed: seed)
            var drafters: [any Drafter] = [PartlyRightDrafter(text)]
            if random.next(below: 2) == 0 { drafters.insert(NGramDrafter(), at: 0) }
            let nodes = 4 + random.next(below: 40)
            let policy = GrowthPolicy(nodes: nodes, minimumProbability: 0.01, depth: 8, width: 3, planner: planner)
            var draft = SequenceDraft(drafters: drafters, policy: policy)
            var base = Array(text.tokens[..<30])
            try draft.begin(base: base, sampling: .greedy)
            var accepted = 0
            while base.count < 240 {
                for _ in 0..<random.next(below: 6) { _ = try draft.step() }
                let chosen = planner.makePlanner()?.selection(of: draft.tree, nodes: 12) ?? draft.tree
                draft.verifying(chosen)
                _ = try draft.step()
                let verdict = SampleMatch().verdict(on: chosen) { text.tokens[base.count + chosen.depth(of: $0)] }
                accepted += verdict.accepted.count
                base += verdict.tokens
                try draft.commit(verdict.tokens)
            }
            #expect(base.elementsEqual(text.tokens.prefix(base.count)), "\(planner)")
            // A planner whose trees are never right would prove nothing.
            #expect(accepted > 20, "\(planner)")
        }
    }

    @Test("ranks are counted as the target takes them")
    func ranks() throws {
        let nodes: [(NodeIndex?, Token)] = [(nil, 1), (nil, 2), (1, 3), (1, 4), (3, 5)]
        let tree = try TokenTree(nodes.map { .init(parent: $0.0, token: $0.1, logProbability: -1) })
        var statistics = RankStatistics()
        #expect(statistics.shares.isEmpty)
        // Second child of the base, second of that, first of that; then there are no children.
        statistics.learn(from: Verdict(path: [1, 3, 4], accepted: [2, 4, 5], correction: 8), on: tree)
        #expect(statistics.visits == 3 && statistics.taken == [1, 2])
        statistics.learn(from: Verdict(path: [], accepted: [], correction: 9), on: tree)
        #expect(statistics.visits == 4 && statistics.shares == [0.25, 0.5])
    }
}
