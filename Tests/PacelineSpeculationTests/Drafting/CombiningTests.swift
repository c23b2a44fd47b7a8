import PacelineSpeculation
import Testing

@Suite("Combining drafters")
struct CombiningTests {
    /// Nodes that are verified in a pass.
    private static let budget = 16
    private static let length = 400

    /// Emits the text in stop-and-wait rounds.
    ///
    /// - Returns: the tokens of a pass, on average.
    private static func tokensPerPass(_ drafters: [any Drafter], of text: PartlyRepeatedText) throws -> Double {
        let policy = GrowthPolicy(
            nodes: 2 * budget,
            verified: budget,
            minimumProbability: 0,
            depth: 16,
            width: 3,
            minimumGain: 0
        )
        var draft = SequenceDraft(drafters: drafters, policy: policy)
        var count = 8
        var passes = 0
        try draft.begin(base: Array(text.tokens[..<count]), sampling: .greedy)
        while count < length {
            while try draft.step() {}
            let tree = draft.tree.subtree(keeping: budget).tree
            let verdict = SampleMatch().verdict(on: tree) { text.tokens[count + tree.depth(of: $0)] }
            count += verdict.tokens.count
            passes += 1
            #expect(draft.tree.count <= policy.nodes)
            try draft.commit(verdict.tokens)
        }
        return Double(count - 8) / Double(passes)
    }

    private static func members(_ text: PartlyRepeatedText) -> [(name: String, drafter: any Drafter)] {
        let good = PartlyRightDrafter(text)
        var poor = PartlyRightDrafter(text)
        (poor.sure, poor.unsure, poor.claims, poor.salt) = (70, 20, (70, 20), 1)
        var boaster = PartlyRightDrafter(text)
        (boaster.sure, boaster.unsure, boaster.claims, boaster.salt) = (10, 5, (99, 90), 2)
        boaster.isModelFree = true
        return [
            ("good", good), ("poor", poor), ("boaster", boaster),
            ("ngram", NGramDrafter()), ("suffix", SuffixDrafter()),
        ]
    }

    @Test(
        "drafters together are at least as good as the best of them less 2 %, in tokens a pass",
        arguments: [0, 70]
    )
    func neverHurts(repeated: Int) throws {
        let text = PartlyRepeatedText(seed: 11, length: Self.length + 64, repeated: repeated)
        let members = Self.members(text)
        let alone = try members.map { try Self.tokensPerPass([$0.drafter], of: text) }
        // Every pair, and all of them.
        for set in 1..<(1 << members.count) {
            let chosen = members.indices.filter { set >> $0 & 1 == 1 }
            guard chosen.count == 2 || chosen.count == members.count else { continue }
            // As a worker orders them.
            let drafters = chosen.map { members[$0].drafter }
            let ordered = drafters.filter(\.isModelFree) + drafters.filter { !$0.isModelFree }
            let together = try Self.tokensPerPass(ordered, of: text)
            let best = chosen.map { alone[$0] }.max() ?? 0
            let names = chosen.map { members[$0].name }.joined(separator: "+")
            #expect(together >= 0.98 * best, "\(names): \(together), but alone \(chosen.map { alone[$0] })")
        }
    }

    @Test("a look-up beside a model leaves the model at least half of the room, until the model is done")
    func leavesRoom() throws {
        let text = PartlyRepeatedText(seed: 3, length: 400, repeated: 0)
        var lookUp = PartlyRightDrafter(text)
        lookUp.isModelFree = true
        lookUp.salt = 9
        let policy = GrowthPolicy(nodes: 32, verified: 32, minimumProbability: 0, minimumGain: 0)
        var draft = SequenceDraft(drafters: [lookUp, PartlyRightDrafter(text)], policy: policy)
        try draft.begin(base: Array(text.tokens[..<10]), sampling: .greedy)
        #expect(try draft.step())
        #expect(draft.tree.count <= 16 && draft.tree.count > 8)
        while try draft.step() {}
        #expect(draft.tree.count == 32)
    }

    @Test("nodes are given up once for each base, and then the tree counts as revised")
    func revisions() throws {
        let text = PartlyRepeatedText(seed: 5, length: 600, repeated: 0)
        var boaster = PartlyRightDrafter(text)
        (boaster.sure, boaster.unsure, boaster.claims, boaster.isModelFree) = (0, 0, (99, 99), true)
        let policy = GrowthPolicy(nodes: 16, verified: 16, minimumProbability: 0, minimumGain: 0)
        var draft = SequenceDraft(drafters: [boaster, PartlyRightDrafter(text)], policy: policy)
        var count = 10
        try draft.begin(base: Array(text.tokens[..<count]), sampling: .greedy)
        var revisions = 0
        for _ in 0..<30 {
            var revised = 0
            var told = Array(draft.tree)
            while try draft.step() {
                // Whoever was told the tree once knows all of it, as long as it is not revised.
                if draft.isRevised { revised += 1 } else { #expect(draft.tree.starts(with: told, by: Self.isSame)) }
                told = Array(draft.tree)
                draft.settle()
            }
            #expect(revised <= 1)
            revisions += revised
            let verdict = SampleMatch().verdict(on: draft.tree) { text.tokens[count + draft.tree.depth(of: $0)] }
            count += verdict.tokens.count
            try draft.commit(verdict.tokens)
        }
        #expect(revisions > 0)
    }

    private static func isSame(_ lhs: TokenTree.Node, _ rhs: TokenTree.Node) -> Bool {
        lhs.parent == rhs.parent && lhs.token == rhs.token
    }
}
