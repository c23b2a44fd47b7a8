import PacelineModel
import PacelineSpeculation
import PacelineTensor
import PacelineTestTraits
import PacelineTraining
import Testing

@Suite("A head that learns from what is served", .computing)
struct HeadStudyTests {
    private let small: SmallHead

    init() throws { small = try SmallHead(seed: 31) }

    private static func settings(_ learningRate: Double) -> HeadStudySettings {
        var settings = HeadStudySettings()
        (settings.learningRate, settings.heldOutEvery) = (learningRate, 4)
        (settings.rule.leastRows, settings.rule.leastHeldOutRows) = (300, 60)
        (settings.rule.rowsPerStep, settings.rule.epochs, settings.rule.stepLimit) = (128, 16, 60)
        return settings
    }

    private func study(learningRate: Double = 3e-3) throws -> HeadStudy<EagleHead<Float>> {
        let (small, compute) = (small, try Compute(threads: 1))
        let subject = HeadSubject<EagleHead<Float>>(
            network: .eagle(small.shape),
            taps: [.normedOutput],
            vocabulary: try TargetVocabulary(
                embedding: small.embedding,
                output: small.output,
                tokens: small.vocabulary,
                compute: compute
            ),
            compute: compute,
            output: OutputSlice(rows: small.output),
            embed: { tokens in
                let values = tokens.flatMap {
                    small.embedding.values[$0 * SmallHead.width..<($0 + 1) * SmallHead.width]
                }
                return Matrix(rows: tokens.count, columns: SmallHead.width, values: values)
            },
            makeHead: { (frozen, scale) throws(TrainingDataError) in
                try EagleHead(small.shape, frozen: frozen, weights: .init(), featureScale: scale)
            }
        )
        return try HeadStudy(subject, parameters: small.parameters, Self.settings(learningRate))
    }

    /// A text in which every token decides the next, with the token's embedding as its feature.
    private func text(_ first: Int) -> ServedText {
        let drafted = small.vocabulary.targetTokens
        let tokens = (0...40).map { Token(drafted[(first + $0 * 5) % drafted.count]) }
        var features = FeatureBlock(position: 0, taps: [.normedOutput], width: SmallHead.width)
        for token in tokens.dropLast() {
            let start = Int(token) * SmallHead.width
            features.append(row: small.embedding.values[start..<start + SmallHead.width])
        }
        return ServedText(tokens: tokens, features: features, given: 4)
    }

    /// Works until there is nothing to do.
    private func outcomes(_ study: inout HeadStudy<EagleHead<Float>>) throws -> [HeadStudyOutcome] {
        var outcomes: [HeadStudyOutcome] = []
        while outcomes.count < 3 {
            let outcome = try study.work()
            if outcome == .nothing { break }
            if outcome != .worked { outcomes.append(outcome) }
        }
        return outcomes
    }

    @Test("becomes better on texts that it has not learned from, as the real drafting loop measures it")
    func learning() throws {
        var study = try study()
        #expect(try study.work() == .nothing)
        study.receive((0..<16).map(text))
        var heads: [LearnedHead] = []
        for case .adopted(let head) in try outcomes(&study) { heads.append(head) }
        let (first, last) = (try #require(heads.first), try #require(heads.last))
        #expect(first.score.after > first.score.before + 0.3, "\(first.score)")
        #expect(last.score.after > 2.5 && last.score.rounds > 0, "\(last.score)")
        for (head, next) in zip(heads, heads.dropFirst()) {
            #expect(next.score.before == head.score.after, "what was adopted is what learns on")
        }
        #expect(last.parameters.count == small.parameters.count && last.parameters != small.parameters)
    }

    @Test("comes out the same for the same texts, and with steps of no size is dropped and waits for more text")
    func determinism() throws {
        let ends = try (0..<2).map { _ in
            var study = try study()
            study.receive((0..<12).map(text))
            return try outcomes(&study)
        }
        #expect(ends[0] == ends[1] && !ends[0].isEmpty)
        var idle = try study(learningRate: 0)
        idle.receive((0..<12).map(text))
        let end = try outcomes(&idle)
        guard case .dropped(let score)? = end.first, end.count == 1 else {
            Issue.record("\(end)")
            return
        }
        #expect(score.before == score.after)
        #expect(try idle.work() == .nothing)
    }

    @Test("ignores texts of another width, with tokens beyond the vocabulary, or with numbers that are none")
    func strangers() throws {
        var study = try study()
        let wide = FeatureBlock(position: 0, taps: [.normedOutput], width: 64, values: .init(repeating: 0, count: 640))
        let broken = FeatureBlock(
            position: 0,
            taps: [.normedOutput],
            width: 32,
            values: .init(repeating: .infinity, count: 320)
        )
        let plain = FeatureBlock(position: 0, taps: [.normedOutput], width: 32, values: .init(repeating: 0, count: 320))
        let tokens = [Token](repeating: 3, count: 10)
        for _ in 0..<100 {
            study.receive([
                ServedText(tokens: tokens, features: wide, given: 0),
                ServedText(tokens: tokens, features: broken, given: 0),
                ServedText(tokens: tokens.dropLast() + [.max], features: plain, given: 0),
            ])
        }
        #expect(try study.work() == .nothing)
    }
}
