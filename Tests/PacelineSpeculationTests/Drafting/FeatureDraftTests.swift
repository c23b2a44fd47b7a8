import PacelineSpeculation
import Testing

@Suite("Drafting a sequence with features of the target")
struct FeatureDraftTests {
    private static let policy = GrowthPolicy(nodes: 12, minimumProbability: 0, depth: 4, minimumGain: 0)

    private static func block(_ rows: Range<Int>) -> FeatureBlock {
        var block = FeatureBlock(position: rows.lowerBound, taps: [.lastOutput], width: 2)
        for row in rows { block.append(row: [Float(row), -1]) }
        return block
    }

    @Test("a drafter with a model gets them when it begins, which is in the first step, and then as they come")
    func begin() throws {
        let reader = FeatureReader()
        var draft = SequenceDraft(drafters: [reader], policy: Self.policy)
        try draft.begin(base: [1, 2, 3, 4], sampling: .greedy)
        draft.take(Self.block(0..<2))
        draft.take(Self.block(2..<3))
        #expect(reader.base.isEmpty && reader.rows.isEmpty)
        #expect(try draft.step())
        #expect(reader.base == [1, 2, 3, 4] && reader.rows == [0, 1, 2])
        draft.take(Self.block(3..<6))
        #expect(reader.rows == Array(0..<6))
        try draft.commit([7, 7])
        #expect(try draft.step())
        // They are not kept for anybody any more.
        #expect(reader.rows == Array(0..<6))
    }

    @Test("a drafter that begins late gets those of all verdicts before, each once")
    func late() throws {
        let reader = FeatureReader()
        var draft = SequenceDraft(drafters: [reader], policy: Self.policy)
        try draft.begin(base: [1, 2], sampling: .greedy)
        for end in 2..<40 {
            draft.take(Self.block(max(0, end - 5)..<end))
            try draft.commit([7])
        }
        #expect(try draft.step())
        #expect(reader.base.count == 40 && reader.rows == Array(0..<39))
    }

    @Test("one without a model gets them at once, and both do where there are both")
    func modelFree() throws {
        let (quick, slow) = (FeatureReader(isModelFree: true), FeatureReader())
        var draft = SequenceDraft(drafters: [quick, slow], policy: Self.policy)
        try draft.begin(base: [1, 2, 3], sampling: .greedy)
        draft.take(Self.block(0..<2))
        #expect(quick.rows == [0, 1] && slow.rows.isEmpty)
        while try draft.step() {}
        #expect(quick.rows == [0, 1] && slow.rows == [0, 1])
    }

    @Test("another sequence has none of them")
    func forgotten() throws {
        let reader = FeatureReader()
        var draft = SequenceDraft(drafters: [reader], policy: Self.policy)
        try draft.begin(base: [1, 2, 3], sampling: .greedy)
        draft.take(Self.block(0..<2))
        try draft.begin(base: [4, 5, 6], sampling: .greedy)
        #expect(try !draft.step())
        #expect(reader.base == [4, 5, 6] && reader.rows.isEmpty)
    }

    @Test("a drafter that lacks some is not asked, and drafts as soon as it has them")
    func notReady() throws {
        let reader = FeatureReader()
        var draft = SequenceDraft(drafters: [reader], policy: Self.policy)
        try draft.begin(base: [1, 2, 3, 4], sampling: .greedy)
        draft.take(Self.block(0..<2))
        #expect(try !draft.step())
        #expect(reader.base.count == 4 && reader.steps == 0 && draft.tree.isEmpty)
        draft.take(Self.block(2..<3))
        #expect(try draft.step())
        #expect(reader.steps == 1 && !draft.tree.isEmpty)
        // Those of the next verdict's tokens come late.
        try draft.commit([8])
        #expect(try !draft.step())
        #expect(reader.steps == 1)
        draft.take(Self.block(3..<4))
        #expect(try draft.step())
        #expect(reader.steps == 2)
    }

    @Test("others go on without a drafter that lacks some, and with it as soon as it has them")
    func others() throws {
        let target = ScriptedTarget(seed: 3, vocabulary: 30)
        for model in [ScriptedDrafter(target: target, reliability: 60), NGramDrafter()] as [any Drafter] {
            let reader = FeatureReader()
            var draft = SequenceDraft(drafters: [model, reader], policy: Self.policy)
            let base: [Token] = [5, 6, 7, 8, 9, 5, 6, 7, 8, 9, 5, 6]
            try draft.begin(base: base, sampling: .greedy)
            while try draft.step() {}
            #expect(!draft.tree.isEmpty && reader.steps == 0)
            draft.take(Self.block(0..<base.count))
            try draft.commit([7])
            while try draft.step() {}
            #expect(reader.steps > 0)
            #expect(draft.tree.contains { $0.token == FeatureReader.token })
        }
    }
}

/// Proposes one token everywhere, once it has the feature of the last base token but one.
private final class FeatureReader: Drafter {
    static let token: Token = 35

    let isModelFree: Bool
    private(set) var base: [Token] = []
    /// Positions of the rows that it was given.
    private(set) var rows: [Int] = []
    private(set) var steps = 0

    init(isModelFree: Bool = false) {
        self.isModelFree = isModelFree
    }

    var isReady: Bool { (rows.last ?? -1) >= base.count - 2 }

    func begin(base: [Token], sampling: SamplingParameters) {
        (self.base, rows) = (base, [])
    }

    func take(_ features: FeatureBlock) {
        rows += features.position..<features.end
    }

    func expand(_ tree: TokenTree, at nodes: [NodeIndex?], width: Int) -> [[Candidate]] {
        steps += 1
        return nodes.map { _ in [Candidate(token: Self.token, logProbability: -0.1)] }
    }

    func advance(_ rerooting: Rerooting) {
        base += rerooting.committed
    }
}
