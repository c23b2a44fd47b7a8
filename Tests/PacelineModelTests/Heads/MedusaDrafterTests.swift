import PacelineGrammar
import PacelineModel
import PacelineSpeculation
import PacelineTensor
import PacelineTestKit
import PacelineTestTraits
import Testing

@Suite("A drafter with Medusa's or Hydra's heads", .computing)
struct MedusaDrafterTests {
    /// Tokens of the text.
    private static let count = 40
    private static let samplings: [SamplingParameters] = [
        .greedy, SamplingParameters(temperature: 0.8, seed: 3),
        SamplingParameters(repetitionPenalty: 4, presencePenalty: 3, repeatLastN: -1, seed: 4),
    ]
    private static let taps = SmallHead.target.taps

    private let medusa: MedusaNetwork
    private let hydra: MedusaNetwork
    private let text = CapturedText(seed: 52, count: Self.count)

    init() throws {
        let compute = try Compute(threads: 1)
        medusa = try SmallMedusa(seed: 51, readsTokens: false).network(compute: compute)
        hydra = try SmallMedusa(seed: 51, readsTokens: true).network(compute: compute)
    }

    private func network(_ readsTokens: Bool) -> MedusaNetwork { readsTokens ? hydra : medusa }

    private func drafter(_ readsTokens: Bool) -> MedusaDrafter { MedusaDrafter(network(readsTokens), taps: Self.taps) }

    /// What heads propose behind the first `known` tokens of a text.
    private func proposals(
        _ text: CapturedText,
        _ known: Int,
        _ readsTokens: Bool,
        _ sampling: SamplingParameters = .greedy
    ) throws -> [[Candidate]] {
        let preceding = Array(text.tokens[..<(known - 1)])
        var draft = MedusaDraft(network(readsTokens), sampling: sampling, start: known - 2, preceding: preceding)
        let values = text.rows(known - 2..<known - 1).values.map(Float.init)
        draft.commit(features: values[...], tokens: [text.tokens[known - 1]])
        return try draft.levels()
    }

    // MARK: Features and tokens as they come

    @Test("proposes what the heads do, however tokens and features come, also twice", arguments: 0..<24)
    func pieces(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let (readsTokens, sampling) = (seed.isMultiple(of: 2), Self.samplings[Int(seed % 3)])
        var (drafter, known, end) = (drafter(readsTokens), 1 + random.next(below: Self.count), 0)
        try drafter.begin(text, known, sampling)
        while known < Self.count || end < Self.count - 1 {
            if known < Self.count, random.next(below: 2) == 0 {
                let next = min(Self.count, known + 1 + random.next(below: 9))
                try drafter.follow(text, known..<next)
                known = next
            } else {
                let start = random.next(below: end + 1)
                let next = min(Self.count, start + 1 + random.next(below: 12))
                drafter.take(text.rows(start..<next))
                end = max(end, next)
            }
            let isReady = known > 1 && end >= known - 1
            #expect(drafter.isReady == isReady)
            guard random.next(below: 2) == 0 else { continue }
            let found = try drafter.levels()
            #expect(try isReady ? found == proposals(text, known, readsTokens, sampling) : found == [[]])
        }
        let found = try drafter.levels()
        #expect(found.count == 7 && found.allSatisfy { $0.count == 2 })
        #expect(try found == proposals(text, Self.count, readsTokens, sampling))
    }

    @Test("is ready once it has the feature of the last base token but one, and never with a base of one token")
    func readiness() throws {
        var drafter = drafter(true)
        #expect(!drafter.isReady)
        try drafter.begin(text, 10)
        drafter.take(text.rows(0..<8))
        #expect(try !drafter.isReady && drafter.levels() == [[]])
        drafter.take(text.rows(8..<9))
        #expect(drafter.isReady)
        try drafter.follow(text, 10..<12)
        #expect(try !drafter.isReady && drafter.levels() == [[]])
        drafter.take(text.rows(9..<20))
        #expect(drafter.isReady)
        try drafter.begin(text, 1)
        drafter.take(text.rows(0..<20))
        #expect(!drafter.isReady)
        try drafter.follow(text, 1..<2)
        #expect(drafter.isReady)
    }

    @Test("features that are missing before the one that it needs make no difference", arguments: [false, true])
    func gap(readsTokens: Bool) throws {
        for sampling in Self.samplings {
            var drafter = drafter(readsTokens)
            try drafter.begin(text, 11, sampling)
            drafter.take(text.rows(0..<10))
            try drafter.follow(text, 11..<30)
            drafter.take(text.rows(28..<29))
            #expect(try drafter.levels() == proposals(text, 30, readsTokens, sampling))
            try drafter.follow(text, 30..<35)
            // Features far ahead wait for their tokens.
            drafter.take(text.rows(36..<39))
            #expect(!drafter.isReady)
            try drafter.follow(text, 35..<38)
            #expect(try drafter.levels() == proposals(text, 38, readsTokens, sampling))
            drafter.take(FeatureBlock(position: 1 << 40, taps: Self.taps, width: SmallHead.width))
            #expect(drafter.isReady)
        }
    }

    @Test("proposes after every verdict what a new drafter does, also below nodes that survive", arguments: 0..<6)
    func verdicts(index: Int) throws {
        let (readsTokens, sampling) = (index < 3, Self.samplings[index % 3])
        var (text, random) = (CapturedText(seed: 54, count: 90), SplitMix(seed: UInt64(index)))
        var drafter = drafter(readsTokens)
        text.tokens = Array(text.tokens[..<12])
        try drafter.begin(text, 12, sampling)
        drafter.take(text.rows(0..<11))
        for _ in 0..<12 {
            var tree = TokenTree()
            for nodes in [[nil], [0, 1], [2]] as [[NodeIndex?]] {
                for (node, candidates) in zip(nodes, try drafter.expand(tree, at: nodes, width: 2)) {
                    for candidate in candidates {
                        try tree.append(.init(parent: node, token: candidate.token, logProbability: -1))
                    }
                }
            }
            #expect(tree.count == 8)
            var committed = tree.tokens(onPathTo: random.next(below: 8))
            if random.next(below: 3) > 0 { committed.append(Token(random.next(below: 40))) }
            let rows = text.tokens.count - 1..<text.tokens.count - 1 + committed.count
            text.tokens += committed
            drafter.take(text.rows(rows))
            let rerooting = tree.reroot(after: committed)
            try drafter.advance(rerooting)
            var copy = drafter
            #expect(try copy.levels() == proposals(text, text.tokens.count, readsTokens, sampling))
            var fresh = self.drafter(readsTokens)
            try fresh.begin(text, text.tokens.count, sampling)
            fresh.take(text.rows(0..<rows.upperBound))
            let nodes: [NodeIndex?] = [nil] + rerooting.tree.indices.map { $0 }
            let found = try drafter.expand(rerooting.tree, at: nodes, width: 3)
            #expect(try found == fresh.expand(rerooting.tree, at: nodes, width: 3))
            for (node, candidates) in zip(nodes, found) {
                let isDeep = node.map { rerooting.tree.depth(of: $0) >= SmallMedusa.heads } ?? false
                #expect(candidates.isEmpty == isDeep)
            }
        }
    }

    @Test("forgets a sequence when another begins, and keeps what it drafted when only nodes go")
    func begin() throws {
        var drafter = drafter(true)
        try drafter.begin(base: Array(text.tokens.reversed()), sampling: Self.samplings[1])
        drafter.take(CapturedText(seed: 55, count: 50).rows(3..<45))
        #expect(try drafter.levels().count == 7)
        try drafter.begin(text, Self.count)
        #expect(try !drafter.isReady && drafter.levels() == [[]])
        drafter.take(text.rows(0..<39))
        for _ in 0..<2 {
            #expect(try drafter.levels() == proposals(text, Self.count, true))
            try drafter.follow(text, 0..<0)
        }
    }

    // MARK: Other features

    @Test("ignores features that the heads do not read, and reads its own of several")
    func otherFeatures() throws {
        var drafter = drafter(false)
        try drafter.begin(text, Self.count)
        let others: [([FeatureTap], width: Int)] = [
            ([.normedOutput], 31), ([.normedOutput], 64), ([.normedOutput, .lastOutput], 16), ([.lastOutput], 32),
            ([.lastOutput, .input(layer: 0)], 32),
        ]
        for (taps, width) in others {
            let values = [Float16](repeating: 1, count: 39 * taps.count * width)
            drafter.take(FeatureBlock(position: 0, taps: taps, width: width, values: values))
            #expect(!drafter.isReady)
        }
        var both = FeatureBlock(position: 38, taps: [.lastOutput, .normedOutput], width: SmallHead.width)
        let row = text.rows(38..<39).values.map(Float.init)
        both.append(row: row.map { _ in 7 } + row)
        drafter.take(both)
        #expect(try drafter.levels() == proposals(text, Self.count, false))
    }

    @Test("says so if features are no numbers, and then drafts other sequences as before", arguments: [false, true])
    func notFinite(readsTokens: Bool) throws {
        for value in [Float16.nan, .infinity, -.infinity] {
            var (spoilt, other) = (drafter(readsTokens), drafter(readsTokens))
            try spoilt.begin(text, 10)
            let values = [Float16](repeating: value, count: 9 * SmallHead.width)
            spoilt.take(FeatureBlock(position: 0, taps: Self.taps, width: SmallHead.width, values: values))
            #expect(throws: LogitError.self) { try spoilt.levels() }
            try other.begin(text, Self.count)
            other.take(text.rows(0..<39))
            #expect(try other.levels() == proposals(text, Self.count, readsTokens))
        }
    }

    @Test("reads the largest features that there are", arguments: [HeadPrecision.float, .eightBit], [false, true])
    func largest(precision: HeadPrecision, readsTokens: Bool) throws {
        let small = try SmallMedusa(seed: 57, blocks: 2, readsTokens: readsTokens)
        let network = try small.network(precision, compute: try Compute(threads: 1))
        var (drafter, random) = (MedusaDrafter(network, taps: Self.taps), SplitMix(seed: 58))
        let values = (0..<39 * SmallHead.width).map { _ in Float16(random.next(below: 2) == 0 ? 65_504 : -65_504) }
        try drafter.begin(text, Self.count)
        drafter.take(FeatureBlock(position: 0, taps: Self.taps, width: SmallHead.width, values: values))
        let found = try drafter.levels()
        #expect(found.count >= 3 && found.allSatisfy { (1...2).contains($0.count) })
        #expect(found.joined().allSatisfy { $0.logProbability.isFinite && $0.logProbability <= 0 })
    }

    // MARK: Constraints

    @Test("proposes the best legal tokens, and none behind what is not legal", arguments: 0..<6)
    func constraint(index: Int) throws {
        let (readsTokens, sampling) = (index < 3, Self.samplings[index % 3])
        let tokenizer = try TinyModel().tokenizer()
        let legal: Set<Token> = Set(" !#&".utf8.map(Token.init))
        let constraint = try Constraint(.regex("[ !#&]{2,30}"), tokenizer: tokenizer)
        var drafter = MedusaDrafter(
            network(readsTokens),
            taps: Self.taps,
            compiler: ConstraintCompiler(tokenizer)
        )
        var text = text
        text.tokens = Array(text.tokens[..<30])
        try drafter.begin(base: text.tokens, sampling: sampling, constraint: constraint.draft(promptLength: 30))
        drafter.take(text.rows(0..<29))
        for token in [32, 38, 33] as [Token] {
            var free = self.drafter(readsTokens)
            try free.begin(text, text.tokens.count, sampling)
            free.take(text.rows(0..<text.tokens.count - 1))
            let all = try free.expand(TokenTree(), at: [nil], width: SmallHead.vocabularySize)[0]
            var copy = drafter
            let found = try copy.levels(width: 3)
            #expect(found[0].map(\.token) == Array(all.map(\.token).filter(legal.contains).prefix(3)))
            #expect(found.count == 13 && found.allSatisfy { $0.count == 3 })
            #expect(found.joined().allSatisfy { legal.contains($0.token) })
            var tree = TokenTree()
            for token in [5, 35] as [Token] {
                try tree.append(.init(parent: nil, token: token, logProbability: -1))
            }
            let below = try drafter.expand(tree, at: [0, nil, 1], width: 3)
            #expect(below.map(\.count) == [0, 3, 3])
            text.tokens.append(token)
            drafter.take(text.rows(text.tokens.count - 2..<text.tokens.count - 1))
            try drafter.advance(tree.reroot(after: [token]))
        }
    }
}
