import PacelineSpeculation
import Testing

@Suite("Identity of tokens with drafters without a model")
struct LookUpIdentityTests {
    @Test("random combinations of drafters emit the plain sequence", arguments: 0..<12)
    func identity(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let text = PartlyRepeatedText(seed: seed, length: 420, repeated: 60)
        let store = Datastore([Array(text.tokens.prefix(200))], vocabulary: .tests)
        let kinds = ["ngram", "suffix", "recycling", "trie", "phrases", "datastore:x"]
        let sources = try kinds.map { LookUpSource(try #require(try LookUpSettings($0))) { _ in store } }
        for _ in 0..<2 {
            let chosen = sources.filter { _ in random.next(below: 2) == 0 }
            var drafters = chosen.map { $0.makeDrafter() }
            if random.next(below: 2) == 0 { drafters.append(PartlyRightDrafter(text)) }
            if drafters.isEmpty { drafters.append(sources[0].makeDrafter()) }
            let policy = GrowthPolicy(nodes: 4 + random.next(below: 40), minimumProbability: 0.01, depth: 8, width: 3)
            var draft = SequenceDraft(drafters: drafters, policy: policy)
            var base = Array(text.tokens[..<30])
            try draft.begin(base: base, sampling: .greedy)
            var accepted = 0
            while base.count < 380 {
                for _ in 0..<random.next(below: 5) { _ = try draft.step() }
                let tree = draft.tree
                #expect(tree.count <= policy.nodes && tree.allSatisfy { $0.logProbability <= 0 })
                let verdict = SampleMatch().verdict(on: tree) { text.tokens[base.count + tree.depth(of: $0)] }
                accepted += verdict.accepted.count
                base += verdict.tokens
                try draft.commit(verdict.tokens)
            }
            #expect(base.elementsEqual(text.tokens.prefix(base.count)))
        }
    }

    @Test("each drafter gives distinct tokens with valid probabilities that sum to at most 1", arguments: 0..<6)
    func proposals(kind: Int) throws {
        let text = PartlyRepeatedText(seed: 4, length: 300, repeated: 80)
        let store = Datastore([text.tokens], vocabulary: .tests)
        let name = ["ngram", "suffix", "recycling", "trie", "phrases", "datastore:x"][kind]
        let settings = try #require(try LookUpSettings(name))
        var drafter = LookUpSource(settings) { _ in store }.makeDrafter()
        try drafter.begin(base: Array(text.tokens[..<60]), sampling: .greedy)
        for place in 60..<200 {
            let candidates = try drafter.expand(TokenTree(), at: [nil], width: 4)[0]
            #expect(Set(candidates.map(\.token)).count == candidates.count && candidates.count <= 4)
            #expect(candidates.allSatisfy { $0.logProbability.isFinite && $0.logProbability <= 0 })
            let sum = candidates.reduce(0) { $0 + Double.exponential(Double($1.logProbability)) }
            #expect(sum < 1.0001)
            let next = [text.tokens[place]]
            try drafter.advance(Rerooting(committed: next, path: [], kept: [], tree: TokenTree()))
        }
    }
}

extension Datastore.Vocabulary {
    /// Of tests: 5000 tokens.
    static let tests = Datastore.Vocabulary(
        tokenizerHash: Array(repeating: 1, count: 32),
        tokensHash: Array(repeating: 2, count: 32),
        size: 5000,
        count: 5000,
        model: "tests"
    )
}
