import PacelineSpeculation
import Testing

@Suite("Drafting a sequence")
struct SequenceDraftTests {
    @Test("a draft-and-verify loop emits the plain sequence, whatever the drafters", arguments: 0..<30)
    func identity(seed: UInt64) throws {
        let target = ScriptedTarget(seed: seed, vocabulary: 30)
        let plain = target.continuation(of: [3, 4], count: 90)
        let model = ScriptedDrafter(target: target, reliability: (seed * 17) % 101)
        let drafters: [any Drafter] = [[model], [NGramDrafter()], [NGramDrafter(), model]][Int(seed % 3)]
        var draft = SequenceDraft(
            drafters: drafters,
            policy: GrowthPolicy(nodes: 24, minimumProbability: seed < 10 ? 0 : 0.02, depth: 6)
        )
        var base: [Token] = [3, 4]
        try draft.begin(base: base, sampling: .greedy)
        while base.count < 70 {
            // Any number of steps between verdicts: trees are partial, and surviving nodes are kept.
            for _ in 0..<(base.count % 4) { _ = try draft.step() }
            let tree = draft.tree
            let verdict = SampleMatch().verdict(on: tree) { target.nextToken(after: base + tree.tokens(onPathTo: $0)) }
            base += verdict.tokens
            try draft.commit(verdict.tokens)
        }
        #expect(base.dropFirst(2).elementsEqual(plain.prefix(base.count - 2)))
    }

    @Test("a long base is read in pieces with progress reports, and gives the same tree as in one piece")
    func longBase() throws {
        var random = SplitMix(seed: 5)
        let base = (0..<10_000).map { _ in Token(random.next() % 40) }
        for kind in [NGramDrafter() as any Drafter, SuffixDrafter()] {
            let policy = GrowthPolicy(nodes: 32, minimumProbability: 0, depth: 6)
            var draft = SequenceDraft(drafters: [kind], policy: policy)
            var signs = 0
            try draft.begin(base: base, sampling: .greedy) { signs += 1 }
            while try draft.step() {}
            #expect(signs == 2)
            var whole = kind
            try whole.begin(base: base, sampling: .greedy)
            let expected = try whole.expand(TokenTree(), at: [nil], width: 3)[0].map(\.token)
            let tree = draft.tree
            let children = tree.indices.filter { tree.parent(of: $0) == nil }.map { tree.token(of: $0) }
            #expect(!expected.isEmpty && children.starts(with: expected.prefix(children.count)))
            #expect(tree.count > 4)
        }
    }

    @Test("a perfect drafter's surviving tree is verified without another step")
    func survivorsAreUsed() throws {
        let target = ScriptedTarget(seed: 2, vocabulary: 30)
        let policy = GrowthPolicy(nodes: 10, depth: 10, width: 1, minimumGain: 0)
        var draft = SequenceDraft(drafters: [ScriptedDrafter(target: target, reliability: 100)], policy: policy)
        try draft.begin(base: [1], sampling: .greedy)
        while try draft.step() {}
        let plain = target.continuation(of: [1], count: 10)
        let rerooting = try draft.commit(Array(plain.prefix(4)))
        #expect(rerooting.kept == Array(4..<10))
        #expect(draft.tree.tokens(onPathTo: 5) == Array(plain.dropFirst(4)))
        #expect(try draft.step())
    }

    @Test("trees of an overconfident drafter shrink, and those of an underconfident one grow")
    func calibrates() throws {
        func treeSizes(reliability: UInt64, claim: UInt64) throws -> (first: Int, last: Int) {
            let target = ScriptedTarget(seed: 4, vocabulary: 1000)
            let drafter = ScriptedDrafter(target: target, reliability: reliability, claim: claim)
            let policy = GrowthPolicy(nodes: 64, verified: 64, minimumProbability: 0.05, minimumGain: 0.05)
            var draft = SequenceDraft(drafters: [drafter], policy: policy)
            var base: [Token] = [1]
            try draft.begin(base: base, sampling: .greedy)
            var sizes: [Int] = []
            while sizes.count < 40 {
                while try draft.step() {}
                sizes.append(draft.tree.count)
                let tree = draft.tree
                let verdict = SampleMatch().verdict(on: tree) {
                    target.nextToken(after: base + tree.tokens(onPathTo: $0))
                }
                base += verdict.tokens
                try draft.commit(verdict.tokens)
            }
            return (sizes[0], sizes[39])
        }
        let sure = try treeSizes(reliability: 10, claim: 90)
        #expect(sure.last < sure.first / 3)
        let modest = try treeSizes(reliability: 100, claim: 50)
        #expect(modest.last > modest.first)
    }

    @Test("drafters extend one another's proposals")
    func merged() throws {
        let target = ScriptedTarget(seed: 3, vocabulary: 5)
        let model = ScriptedDrafter(target: target, reliability: 90)
        let policy = GrowthPolicy(nodes: 60, verified: 60, minimumProbability: 0, depth: 5, minimumGain: 0)
        var draft = SequenceDraft(drafters: [NGramDrafter(), model], policy: policy)
        try draft.begin(base: target.continuation(of: [1], count: 60), sampling: .greedy)
        while try draft.step() {}
        #expect(draft.tree.paths.count == draft.tree.count)
        #expect(draft.tree.count == 60)
    }

    @Test("beginning a new sequence forgets the tree and keeps the policy")
    func beginAgain() throws {
        let policy = GrowthPolicy(nodes: 5, minimumProbability: 0)
        let drafter = ScriptedDrafter(target: ScriptedTarget(seed: 3, vocabulary: 5), reliability: 90)
        var draft = SequenceDraft(drafters: [drafter], policy: policy)
        try draft.begin(base: [1], sampling: .greedy)
        _ = try draft.step()
        try draft.begin(base: [2], sampling: .greedy)
        #expect(draft.tree.isEmpty)
        #expect(draft.policy == policy)
        #expect(try draft.step())
        while try draft.step() {}
        #expect(draft.tree.count == 5)
    }
}
