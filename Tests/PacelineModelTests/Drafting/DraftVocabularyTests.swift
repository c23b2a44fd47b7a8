import PacelineModel
import PacelineSpeculation
import PacelineTensor
import PacelineTestKit
import Testing

@Suite("Trimmed drafter heads")
struct DraftVocabularyTests {
    static let control = TinyVocabulary.shared.controlTokens
    static let size = TinyVocabulary.shared.tokens.count

    static func columns(_ count: Int) -> LogitColumns {
        LogitColumns(first: count, special: Set(control), vocabularySize: size)
    }

    @Test("columns map to tokens and back", arguments: [1, 5, 6, 9, 10, 11, 100])
    func columns(count: Int) {
        let columns = LogitColumns(first: count, special: [2, 5, 9, 7, 40], vocabularySize: 10)
        let kept = (0..<10 as Range<Token>).filter { $0 < count || [2, 5, 9, 7].contains($0) }
        #expect(columns.count == kept.count)
        #expect((0..<columns.count).map { columns.token($0) } == kept)
        for token in 0..<45 as Range<Token> { #expect(columns.column(of: token) == kept.firstIndex(of: token)) }
        #expect((columns == LogitColumns(all: 10)) == (count >= 10))
    }

    @Test(
        "A trimmed drafter proposes the same tokens as the whole one in the same order, except those without a column",
        arguments: [
            SamplingParameters.greedy, SamplingParameters(temperature: 0.9, seed: 4),
            SamplingParameters(temperature: 0.7, minP: 1e-30, seed: 4),
            SamplingParameters(
                repetitionPenalty: 1.3,
                presencePenalty: 0.5,
                logitBias: [.init(token: 7, bias: 3), .init(token: control[1], bias: 9), .init(token: 333, bias: 50)]
            ),
        ]
    )
    func proposals(sampling: SamplingParameters) throws {
        for (tied, family) in [(false, TinyModel.Family.llama), (true, .llama), (false, .qwen2)] {
            var model = TinyModel()
            model.family = family
            model.hasTiedEmbeddings = tied
            if family == .qwen2 { model.extraVectors["output.bias"] = Self.size }
            let columns = Self.columns(300)
            let trimmed = try Self.candidates(model.transformer(columns: columns), sampling)
            let whole = try Self.candidates(model.transformer(), sampling)
            let expected = whole.filter { columns.column(of: $0.token) != nil }
            #expect(trimmed.map(\.token) == expected.map(\.token))
            #expect(trimmed.count < whole.count && trimmed.contains { Self.control.contains($0.token) })
            // Relative probabilities are the same, but they now sum to 1.
            let shift = trimmed[0].logProbability - expected[0].logProbability
            for (found, wanted) in zip(trimmed, expected) {
                #expect(abs(found.logProbability - wanted.logProbability - shift) < 1e-4)
            }
            #expect(abs(trimmed.reduce(0) { $0 + ExactMath.exp($1.logProbability) } - 1) < 1e-4)
        }
    }

    private static func candidates(_ transformer: Transformer, _ sampling: SamplingParameters) throws -> [Candidate] {
        let drafter = ModelDrafterTests.drafter(transformer)
        try drafter.begin(base: ModelDrafterTests.base, sampling: sampling)
        return try drafter.expand(TokenTree(), at: [nil], width: size)[0]
    }

    @Test("A pass touches only the weights of the rows that a trimmed head keeps", arguments: WeightFormat.allCases)
    func memory(format: WeightFormat) throws {
        for tied in [false, true] {
            var model = TinyModel.with(weights: format)
            model.hasTiedEmbeddings = tied
            let whole = try model.transformer()
            let trimmed = try model.transformer(columns: Self.columns(128))
            let missing = Self.size - 128 - Self.control.count
            let row = format.encode([Float](repeating: 1, count: model.embeddingLength)).count
            #expect(whole.weights.bytesPerPass - trimmed.weights.bytesPerPass == missing * row)
            #expect(whole.weights.weightsPerPass - trimmed.weights.weightsPerPass == missing * model.embeddingLength)
        }
    }

    @Test("Trimming to the size of the vocabulary or more keeps the whole head")
    func clamped() throws {
        let whole = try TinyModel().transformer()
        for count in [Self.size, Self.size + 1, .max] {
            let transformer = try TinyModel().transformer(columns: Self.columns(count))
            #expect(transformer.weights.columns == whole.weights.columns)
            #expect(try Self.candidates(transformer, .greedy) == Self.candidates(whole, .greedy))
        }
    }
}
