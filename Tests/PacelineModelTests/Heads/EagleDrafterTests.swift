import PacelineGrammar
import PacelineModel
import PacelineSpeculation
import PacelineTensor
import PacelineTestKit
import PacelineTestTraits
import Testing

@Suite("A drafter with an EAGLE head", .computing)
struct EagleDrafterTests {
    /// Tokens of the text.
    private static let count = 40
    private static let samplings: [SamplingParameters] = [
        .greedy, SamplingParameters(temperature: 0.8, seed: 3),
        SamplingParameters(repetitionPenalty: 4, presencePenalty: 3, repeatLastN: -1, seed: 4),
    ]

    private let network: EagleNetwork
    private let text = CapturedText(seed: 22, count: Self.count)

    init() throws {
        network = try SmallHead(seed: 21).network(compute: try Compute(threads: 1))
    }

    private var drafter: EagleDrafter { EagleDrafter(network, taps: SmallHead.target.taps) }

    /// What a head proposes behind the whole text if it has committed rows in parts.
    private func proposals(
        _ sampling: SamplingParameters = .greedy,
        parts: [Range<Int>] = [0..<Self.count - 1]
    ) throws -> [[Candidate]] {
        var draft = text.draft(network, sampling, parts: parts)
        return try draft.levels()
    }

    /// Expects the proposals of a head that has committed the same rows in other parts, whose sums are rounded
    /// differently.
    private func expectSame(_ one: [[Candidate]], as other: [[Candidate]]) {
        #expect(one.map { $0.map(\.token) } == other.map { $0.map(\.token) })
        for (a, b) in zip(one.joined(), other.joined()) {
            #expect((a.logProbability - b.logProbability).magnitude < 1e-4)
        }
    }

    // MARK: Features and tokens as they come

    private enum Event {
        case rows(Range<Int>)
        case tokens(Range<Int>)
    }

    /// All tokens and features of the text behind a base, in any order and pieces, some of them twice.
    private static func events(behind base: Int, _ random: inout SplitMix) -> [Event] {
        var (known, end) = (base, 0)
        var events: [Event] = []
        while known < count || end < count - 1 {
            if known < count, random.next(below: 2) == 0 {
                let next = min(count, known + 1 + random.next(below: 9))
                events.append(.tokens(known..<next))
                known = next
            } else {
                let start = random.next(below: end + 1)
                let next = min(count, start + 1 + random.next(below: 12))
                events.append(.rows(start..<next))
                end = max(end, next)
            }
        }
        return events
    }

    @Test("proposes what the head does, however tokens and features come, also twice", arguments: 0..<24)
    func pieces(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let base = 1 + random.next(below: Self.count)
        let events = Self.events(behind: base, &random)
        let sampling = Self.samplings[Int(seed % 3)]
        let expected = try proposals(sampling)
        #expect(expected.count == 7 && expected.allSatisfy { $0.count == 2 })
        for isAsked in [false, true] {
            var (drafter, known, end) = (drafter, base, 0)
            try drafter.begin(text, base, sampling)
            for event in events {
                switch event {
                case .rows(let rows):
                    drafter.take(text.rows(rows))
                    end = max(end, rows.upperBound)
                case .tokens(let tokens):
                    try drafter.follow(text, tokens)
                    known = tokens.upperBound
                }
                let isReady = known > 1 && end >= known - 1
                #expect(drafter.isReady == isReady)
                if isAsked { #expect(try drafter.levels().count == (isReady ? 7 : 1)) }
            }
            // Drafts in between make it commit rows earlier.
            let found = try drafter.levels()
            if isAsked { expectSame(found, as: expected) } else { #expect(found == expected) }
        }
    }

    @Test("is ready once it has the feature of the last base token but one, and never with a base of one token")
    func readiness() throws {
        var drafter = drafter
        #expect(!drafter.isReady)
        try drafter.begin(text, 10)
        drafter.take(text.rows(0..<8))
        #expect(!drafter.isReady)
        #expect(try drafter.levels() == [[]])
        drafter.take(text.rows(8..<9))
        #expect(drafter.isReady)
        try drafter.follow(text, 10..<12)
        #expect(!drafter.isReady)
        #expect(try drafter.levels() == [[]])
        drafter.take(text.rows(9..<20))
        #expect(drafter.isReady)
        try drafter.begin(text, 1)
        drafter.take(text.rows(0..<20))
        #expect(!drafter.isReady)
        try drafter.follow(text, 1..<2)
        #expect(drafter.isReady)
    }

    @Test("reports progress while it reads a long text, which it does while the text comes")
    func long() throws {
        let long = CapturedText(seed: 23, count: 1000)
        var signs = 0
        var drafter = EagleDrafter(network, taps: SmallHead.target.taps) { signs += 1 }
        try drafter.begin(long, 1000)
        for start in stride(from: 0, to: 960, by: 64) { drafter.take(long.rows(start..<start + 64)) }
        #expect(signs >= 3)
        drafter.take(long.rows(960..<999))
        var draft = long.draft(network, parts: [0..<999])
        expectSame(try drafter.levels(), as: try draft.levels())
    }

    // MARK: Gaps

    @Test("starts afresh behind a gap, with the penalties of all tokens", arguments: 0..<3)
    func gap(index: Int) throws {
        let sampling = Self.samplings[index]
        let expected = try proposals(sampling, parts: [15..<39])
        #expect(try expected != proposals(sampling))
        for asks in [false, true] {
            var drafter = drafter
            try drafter.begin(text, 11, sampling)
            drafter.take(text.rows(0..<10))
            if asks { #expect(try drafter.levels().count == 7) }
            try drafter.follow(text, 11..<40)
            drafter.take(text.rows(15..<20))
            // Those that were missing are of no use any more.
            drafter.take(text.rows(8..<15))
            #expect(!drafter.isReady)
            drafter.take(text.rows(18..<39))
            #expect(try drafter.levels() == expected)
        }
        guard sampling.hasPenalties else { return }
        var forgetful = EagleDraft(network, sampling: sampling, start: 15)
        let values = text.rows(15..<39).values.map(Float.init)
        forgetful.commit(features: values[...], tokens: Array(text.tokens[16...39]))
        #expect(try forgetful.levels() != expected)
    }

    @Test("waits for the tokens of features that are far ahead of it")
    func ahead() throws {
        var drafter = drafter
        try drafter.begin(text, 12)
        drafter.take(text.rows(0..<11))
        drafter.take(text.rows(30..<39))
        for token in 12..<31 {
            #expect(!drafter.isReady)
            #expect(try drafter.levels() == [[]])
            try drafter.follow(text, token..<token + 1)
        }
        try drafter.follow(text, 31..<40)
        #expect(try drafter.levels() == proposals(parts: [30..<39]))
        drafter.take(FeatureBlock(position: 1 << 40, taps: SmallHead.target.taps, width: SmallHead.width))
        #expect(drafter.isReady)
    }

    // MARK: Verdicts

    @Test("proposes after every verdict what a new drafter does, also below nodes that survive", arguments: 0..<3)
    func verdicts(index: Int) throws {
        let sampling = Self.samplings[index]
        var (text, random) = (CapturedText(seed: 24, count: 90), SplitMix(seed: UInt64(index)))
        var (drafter, parts) = (drafter, [0..<11])
        text.tokens = Array(text.tokens[..<12])
        try drafter.begin(text, 12, sampling)
        drafter.take(text.rows(parts[0]))
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
            parts.append(rows)
            drafter.take(text.rows(rows))
            let rerooting = tree.reroot(after: committed)
            try drafter.advance(rerooting)
            var (draft, copy) = (text.draft(network, sampling, parts: parts), drafter)
            let expected = try draft.levels()
            #expect(try copy.levels() == expected)
            var fresh = self.drafter
            try fresh.begin(text, text.tokens.count, sampling)
            fresh.take(text.rows(0..<rows.upperBound))
            let nodes: [NodeIndex?] = [nil] + rerooting.tree.indices.map { $0 }
            let found = try drafter.expand(rerooting.tree, at: nodes, width: 3)
            expectSame(found, as: try fresh.expand(rerooting.tree, at: nodes, width: 3))
        }
    }

    @Test("forgets a sequence when another begins")
    func begin() throws {
        var drafter = drafter
        for isRead in [false, true] {
            try drafter.begin(base: Array(text.tokens.reversed()), sampling: Self.samplings[1])
            drafter.take(CapturedText(seed: 25, count: 50).rows(3..<45))
            if isRead { #expect(try drafter.levels().count == 7) }
            try drafter.begin(text, Self.count)
            #expect(!drafter.isReady)
            #expect(try drafter.levels() == [[]])
            drafter.take(text.rows(0..<39))
            #expect(try drafter.levels() == proposals())
        }
    }

    // MARK: Other features

    @Test("ignores features that the head does not read")
    func otherFeatures() throws {
        var drafter = drafter
        try drafter.begin(text, Self.count)
        drafter.take(text.rows(0..<10))
        let others: [([FeatureTap], width: Int)] = [
            ([.normedOutput], 31), ([.normedOutput], 64), ([.normedOutput, .lastOutput], 16), ([.lastOutput], 32),
            ([.lastOutput, .input(layer: 0)], 32),
        ]
        for (taps, width) in others {
            let values = [Float16](repeating: 1, count: 30 * taps.count * width)
            drafter.take(FeatureBlock(position: 10, taps: taps, width: width, values: values))
            #expect(!drafter.isReady)
        }
        drafter.take(text.rows(10..<39))
        #expect(try drafter.levels() == proposals())
    }

    @Test("reads its own of several features")
    func severalFeatures() throws {
        let both = CapturedText(seed: 26, count: Self.count, taps: [.lastOutput, .normedOutput])
        let own = try #require(both.rows(0..<39).selecting([.normedOutput]))
        var draft = EagleDraft(network)
        let values = own.values.map(Float.init)
        draft.commit(features: values[...], tokens: Array(both.tokens[1...39]))
        var drafter = drafter
        try drafter.begin(both, Self.count)
        drafter.take(both.rows(0..<39))
        let expected = try draft.levels()
        #expect(try drafter.levels() == expected)
    }

    @Test("says so if features are no numbers, and then drafts other sequences as before")
    func notFinite() throws {
        let expected = try proposals()
        for value in [Float16.nan, .infinity, -.infinity] {
            var (spoilt, other) = (drafter, drafter)
            try spoilt.begin(text, 10)
            let values = [Float16](repeating: value, count: 9 * SmallHead.width)
            let taps = SmallHead.target.taps
            spoilt.take(FeatureBlock(position: 0, taps: taps, width: SmallHead.width, values: values))
            #expect(throws: LogitError.self) { try spoilt.levels() }
            try other.begin(text, Self.count)
            other.take(text.rows(0..<39))
            #expect(try other.levels() == expected)
        }
    }

    @Test("reads the largest features that there are", arguments: [HeadPrecision.float, .eightBit])
    func largest(precision: HeadPrecision) throws {
        for (name, change) in EagleDraftTests.shapes {
            let network = try SmallHead(seed: 27, change).network(precision, compute: try Compute(threads: 1))
            var (drafter, random) = (EagleDrafter(network, taps: SmallHead.target.taps), SplitMix(seed: 28))
            let values = (0..<39 * SmallHead.width).map { _ in Float16(random.next(below: 2) == 0 ? 65_504 : -65_504) }
            try drafter.begin(text, Self.count)
            drafter.take(
                FeatureBlock(position: 0, taps: SmallHead.target.taps, width: SmallHead.width, values: values)
            )
            let found = try drafter.levels()
            // Logits of this size may lie so far apart that the second best token is not worth proposing.
            #expect(found.count >= 3 && found.allSatisfy { (1...2).contains($0.count) }, "\(name)")
            #expect(found.joined().allSatisfy { $0.logProbability.isFinite && $0.logProbability <= 0 }, "\(name)")
        }
    }

    // MARK: Constraints

    @Test("proposes the best legal tokens, and none behind what is not legal", arguments: 0..<3)
    func constraint(index: Int) throws {
        let tokenizer = try TinyModel().tokenizer()
        let legal: Set<Token> = Set(" !#&".utf8.map(Token.init))
        let constraint = try Constraint(.regex("[ !#&]{2,30}"), tokenizer: tokenizer)
        let sampling = Self.samplings[index]
        var drafter = EagleDrafter(
            network,
            taps: SmallHead.target.taps,
            compiler: ConstraintCompiler(tokenizer)
        )
        var (text, parts) = (text, [0..<29])
        text.tokens = Array(text.tokens[..<30])
        try drafter.begin(base: text.tokens, sampling: sampling, constraint: constraint.draft(promptLength: 30))
        drafter.take(text.rows(parts[0]))
        for token in [32, 38, 33] as [Token] {
            var free = text.draft(network, sampling, parts: parts)
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
            let rows = text.tokens.count - 1..<text.tokens.count
            text.tokens.append(token)
            parts.append(rows)
            drafter.take(text.rows(rows))
            try drafter.advance(tree.reroot(after: [token]))
        }
    }
}
