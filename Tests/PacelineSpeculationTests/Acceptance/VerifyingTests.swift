import PacelineSpeculation
import Testing

@Suite("Drafting while nodes are being verified")
struct VerifyingTests {
    private static func candidate(_ token: Token, _ logProbability: Float) -> Candidate {
        Candidate(token: token, logProbability: logProbability)
    }

    /// A tree of one node, with an improbable and a likely proposal beside it.
    private static func admitted(isVerifying: Bool) throws -> Set<Token> {
        var grower = TreeGrower(policy: GrowthPolicy(nodes: 1, minimumProbability: 0.0001, minimumGain: 0.02))
        var tree = TokenTree()
        let proposals = [candidate(1, -0.1), candidate(2, -6), candidate(3, -3)]
        try grower.insert([proposals], at: [nil], into: &tree)
        #expect(tree.map(\.token) == [1])
        if isVerifying { grower.verifying([0]) }
        grower.policy.nodes = 10
        try grower.admit(into: &tree, isGrowing: false)
        return Set(tree.map(\.token))
    }

    @Test("a sibling of a node being verified enters the tree only if drafting below it would pay")
    func siblings() throws {
        #expect(try Self.admitted(isVerifying: false) == [1, 2, 3])
        #expect(try Self.admitted(isVerifying: true) == [1, 3])
    }

    @Test("nodes being verified leave their room to those of the next round, until the verdict")
    func places() throws {
        let target = ScriptedTarget(seed: 5, vocabulary: 50)
        let policy = GrowthPolicy(nodes: 200, verified: 6, minimumProbability: 0, depth: 20, minimumGain: 0.001)
        var draft = SequenceDraft(drafters: [ScriptedDrafter(target: target, reliability: 70)], policy: policy)
        try draft.begin(base: [1, 2], sampling: .greedy)
        while try draft.step() {}
        func deepest() -> Int { draft.tree.indices.map { draft.tree.depth(of: $0) }.max() ?? 0 }
        let (before, depthBefore) = (draft.tree.count, deepest())
        #expect(try !draft.step())
        draft.verifying(draft.tree.subtree(keeping: 6).tree)
        while try draft.step() {}
        #expect(draft.tree.count > before)
        #expect(deepest() > depthBefore, "what is out is drafted below")
        // Nodes of other workers do not matter here.
        draft.verifying(try TokenTree([.init(parent: nil, token: 999, logProbability: 0)]))
        #expect(try !draft.step())
    }

    /// A model that records the base it began with.
    private final class Reader: Drafter {
        var begun: [[Token]] = []
        var advanced: [[Token]] = []
        let isModelFree = false

        func begin(base: [Token], sampling: SamplingParameters) { begun.append(base) }
        func expand(_ tree: TokenTree, at nodes: [NodeIndex?], width: Int) -> [[Candidate]] { nodes.map { _ in [] } }
        func advance(_ rerooting: Rerooting) { advanced.append(rerooting.committed) }
    }

    @Test("drafters without a model do not wait for one with a model to read the prompt")
    func modelFreeFirst() throws {
        let reader = Reader()
        var draft = SequenceDraft(drafters: [NGramDrafter(), reader], policy: GrowthPolicy(minimumProbability: 0))
        try draft.begin(base: [1, 2, 3, 1, 2], sampling: .greedy)
        #expect(try draft.step())
        #expect(!draft.tree.isEmpty && reader.begun.isEmpty)
        // The base may grow before the model has begun; the model then begins with all of it.
        try draft.commit([3, 1])
        #expect(reader.advanced.isEmpty)
        while try draft.step(), reader.begun.isEmpty {}
        #expect(reader.begun == [[1, 2, 3, 1, 2, 3, 1]])
        try draft.commit([2])
        #expect(reader.advanced == [[2]])
    }

    @Test("a sequence may begin with what the same drafters learned in another")
    func experience() throws {
        let target = ScriptedTarget(seed: 4, vocabulary: 1000)
        let liar = ScriptedDrafter(target: target, reliability: 5, claim: 95)
        func first(_ experience: DraftExperience) throws -> (belief: Float, experience: DraftExperience) {
            var draft = SequenceDraft(drafters: [liar], policy: GrowthPolicy(minimumProbability: 0))
            draft.experience = experience
            var base: [Token] = [1]
            try draft.begin(base: base, sampling: .greedy)
            _ = try draft.step()
            let belief = draft.tree[0].logProbability
            for _ in 0..<60 {
                _ = try draft.step()
                let verdict = SampleMatch().verdict(on: draft.tree) {
                    target.nextToken(after: base + draft.tree.tokens(onPathTo: $0))
                }
                base += verdict.tokens
                try draft.commit(verdict.tokens)
            }
            return (belief, draft.experience)
        }
        let fresh = try first(DraftExperience())
        let experienced = try first(fresh.experience)
        #expect(fresh.belief > -0.2)
        #expect(experienced.belief < -1)
    }
}
