import PacelineSpeculation
import PacelineTensor
import PacelineTestKit
import PacelineTestTraits
import Testing

@testable import PacelineModel

@Suite("Writing texts together", .computing)
struct GenerationBatchTests {
    private static let taps: [FeatureTap] = [.normedOutput, .input(layer: 1)]
    private static let prompts = [1, 7, 150, 30, 2, 131, 64].map { count in
        (0..<count).map { Token(($0 * 41 + count) % 251) }
    }

    private static func batch(_ transformer: Transformer, sequences: Int) throws -> GenerationBatch {
        try GenerationBatch(
            transformer: transformer,
            taps: taps,
            topCount: 3,
            sequences: sequences,
            contextLength: 200
        )
    }

    private static func answers(
        _ questions: [GenerationBatch.Question],
        _ batch: GenerationBatch
    ) throws -> [Int: GenerationBatch.Answer] {
        var (waiting, answers) = (questions[...], [Int: GenerationBatch.Answer]())
        while !waiting.isEmpty || !batch.isEmpty {
            while batch.hasRoom, let question = waiting.popFirst() { try batch.add(question) }
            for answer in try batch.step() { answers[answer.question.number] = answer }
        }
        return answers
    }

    private static func questions(_ sampling: SamplingParameters = .greedy) -> [GenerationBatch.Question] {
        prompts.enumerated().map {
            GenerationBatch.Question(number: $0, prompt: $1, sampling: sampling, limit: 20, ends: [])
        }
    }

    /// The text that a sampler writes alone.
    private static func alone(_ transformer: Transformer, _ question: GenerationBatch.Question) throws -> [Token] {
        let sampler = Sampler(parameters: question.sampling, columns: transformer.weights.columns)
        let cache = KVCache(pool: KVPagePool(shape: transformer.cacheShape, slots: 400))
        var tokens = question.prompt
        while tokens.count < question.prompt.count + question.limit {
            let range = cache.length..<tokens.count
            try cache.reserve(tokens.count)
            let logits = transformer.forward(
                range.map {
                    .committed(tokens[$0], position: $0, cache: cache, wantsLogits: $0 == tokens.count - 1)
                }
            )
            cache.commit(range.count)
            tokens.append(try sampler.nextToken(logits, row: 0, position: tokens.count, recent: []))
        }
        return tokens
    }

    @Test(
        "gives each the tokens that it would have alone, however many there are",
        arguments: [SamplingParameters.greedy, SamplingParameters(temperature: 1, seed: 5)]
    )
    func tokens(sampling: SamplingParameters) throws {
        let transformer = try TinyModel().transformer()
        let questions = Self.questions(sampling)
        let expected = try questions.map { try Self.alone(transformer, $0) }
        for sequences in [1, 3, 7] {
            let answers = try Self.answers(questions, Self.batch(transformer, sequences: sequences))
            #expect(questions.map { answers[$0.number]?.tokens } == expected, "\(sequences)")
        }
    }

    @Test("keeps the features and laws of a separate pass over the whole text")
    func thoughts() throws {
        let transformer = try TinyModel().transformer()
        let answers = try Self.answers(Self.questions(), Self.batch(transformer, sequences: 4))
        for (number, prompt) in Self.prompts.enumerated() {
            let answer = try #require(answers[number])
            let features = try FeatureRows(taps: Self.taps, of: transformer.configuration)
            let cache = KVCache(pool: KVPagePool(shape: transformer.cacheShape, slots: 400))
            try cache.reserve(answer.tokens.count)
            transformer.forward(
                answer.tokens.enumerated().map {
                    .committed($1, position: $0, cache: cache, wantsLogits: false, wantsFeatures: true)
                },
                features: features
            )
            #expect(answer.features == (0..<features.count).flatMap { features.row($0) })
            let laws = try Scorer(transformer: transformer).score(
                answer.tokens,
                positions: Set(prompt.count - 1..<answer.tokens.count - 1),
                count: 3
            )
            #expect(answer.top == laws.flatMap(\.top))
            // Greedily, each token is the most probable one.
            #expect(answer.written.elementsEqual(laws.map { $0.top[0].token }))
        }
    }

    @Test("ends texts at their end tokens, which are read too, or at their limits")
    func ends() throws {
        let transformer = try TinyModel().transformer()
        var question = Self.questions()[3]
        let written = try Self.alone(transformer, question)[30...]
        let end = written[35]
        question.ends = [end]
        let answer = try #require(try Self.answers([question], Self.batch(transformer, sequences: 1))[3])
        let expected = written.prefix(through: try #require(written.firstIndex(of: end)))
        #expect(answer.written == expected)
        #expect(answer.features.count == answer.tokens.count * 512)
        #expect(answer.top.count == 3 * expected.count)
        question.writesPrompt = true
        let prompt = try #require(try Self.answers([question], Self.batch(transformer, sequences: 1))[3])
        #expect(prompt.written == expected && prompt.top.isEmpty)
        #expect(prompt.features.count == (answer.tokens.count - 1) * 512)
    }

    @Test("goes on behind an earlier text with the bits of a new one", arguments: [0, 1, 20, 45, 49, 50, 51])
    func goesOn(same: Int) throws {
        let transformer = try TinyModel().transformer()
        let batch = try Self.batch(transformer, sequences: 2)
        var first = Self.questions(SamplingParameters(temperature: 1, seed: 3))[3]
        first.writesPrompt = true
        let earlier = try #require(try Self.answers([first], batch)[3])
        #expect(earlier.tokens.count == 50)
        // As many tokens of the prompt are those of the earlier text.
        let prompt = earlier.tokens.prefix(same) + (same > 50 ? [] : earlier.tokens.prefix(1).map { $0 ^ 1 }) + [7, 8]
        let question = GenerationBatch.Question(number: 0, prompt: Array(prompt), limit: 9, ends: [])
        try batch.add(question, after: earlier)
        var found: [GenerationBatch.Answer] = []
        while !batch.isEmpty { found += try batch.step() }
        let expected = try #require(try Self.answers([question], batch)[0])
        #expect(found.map(\.tokens) == [expected.tokens] && found.map(\.top) == [expected.top])
        #expect(found.map(\.features) == [expected.features])
        // Nothing but the earlier text is the whole prompt.
        let whole = GenerationBatch.Question(number: 1, prompt: earlier.tokens, limit: 9, ends: [])
        let again = try #require(try Self.answers([first], batch)[3])
        try batch.add(whole, after: again)
        while !batch.isEmpty { found += try batch.step() }
        #expect(try found[1].features == Self.answers([whole], batch)[1]?.features)
    }

    @Test("refuses prompts that are empty, or too long for their answers")
    func refusals() throws {
        let batch = try Self.batch(TinyModel().transformer(), sequences: 1)
        var question = GenerationBatch.Question(number: 0, prompt: [], limit: 50, ends: [])
        #expect(throws: GenerationBatchError.emptyPrompt) { try batch.add(question) }
        question.prompt = [Token](repeating: 1, count: 151)
        #expect(throws: GenerationBatchError.tooLong(prompt: 151, limit: 50, context: 200)) { try batch.add(question) }
        question.prompt.removeLast()
        try batch.add(question)
        #expect(!batch.hasRoom)
        #expect(throws: FeatureTapError.self) {
            try GenerationBatch(
                transformer: TinyModel().transformer(),
                taps: [.input(layer: 2)],
                topCount: 1,
                sequences: 1,
                contextLength: 10
            )
        }
    }

    @Test("with a law that is no law fails")
    func notFinite() throws {
        let batch = try Self.batch(TinyModel().withoutLaw(behind: 9).transformer(), sequences: 1)
        try batch.add(GenerationBatch.Question(number: 0, prompt: [3, 9], limit: 5, ends: []))
        #expect(throws: LogitError.self) { try batch.step() }
    }
}
