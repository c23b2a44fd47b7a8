import PacelineSpeculation
import Testing

@Suite("Sampling parameters")
struct SamplingParametersTests {
    @Test("defaults and greedy are valid, and greedy is greedy")
    func defaults() throws {
        #expect(try SamplingParameters().validated() == SamplingParameters())
        #expect(try SamplingParameters.greedy.validated() == .greedy)
        #expect(SamplingParameters.greedy.isGreedy)
        #expect(SamplingParameters(topK: 1).isGreedy)
        #expect(!SamplingParameters().isGreedy)
    }

    @Test("biases come out sorted by token")
    func sortsBiases() throws {
        let biases = [9, 2, 5].map { SamplingParameters.LogitBias(token: $0, bias: Float($0)) }
        let valid = try SamplingParameters(logitBias: biases).validated(vocabularySize: 10)
        #expect(valid.logitBias.map(\.token) == [2, 5, 9])
    }

    @Test(
        "each parameter out of range is named, with the value that came",
        arguments: [
            (SamplingParameters(temperature: -0.5), "temperature", "-0.5"),
            (SamplingParameters(temperature: .nan), "temperature", "nan"),
            (SamplingParameters(temperature: .infinity), "temperature", "inf"),
            (SamplingParameters(temperature: 1e-30), "temperature", "1e-30"),
            (SamplingParameters(topK: -1), "top_k", "-1"),
            (SamplingParameters(topK: .max), "top_k", "\(Int.max)"),
            (SamplingParameters(topP: 0), "top_p", "0.0"),
            (SamplingParameters(topP: 1.5), "top_p", "1.5"),
            (SamplingParameters(topP: .nan), "top_p", "nan"),
            (SamplingParameters(minP: -0.1), "min_p", "-0.1"),
            (SamplingParameters(minP: .nan), "min_p", "nan"),
            (SamplingParameters(repetitionPenalty: 0), "repetition_penalty", "0.0"),
            (SamplingParameters(frequencyPenalty: 3), "frequency_penalty", "3.0"),
            (SamplingParameters(presencePenalty: -.infinity), "presence_penalty", "-inf"),
            (SamplingParameters(repeatLastN: -2), "repeat_last_n", "-2"),
        ]
    )
    func outOfRange(parameters: SamplingParameters, name: String, value: String) {
        let error = #expect(throws: SamplingError.self) { try parameters.validated() }
        #expect(error.map { "\($0)".hasPrefix("\(name) must be ") } == true)
        #expect(error.map { "\($0)".hasSuffix(", not \(value)") } == true)
    }

    @Test("biases must be finite, for known tokens, at most one per token, and not too many")
    func biases() {
        func error(_ biases: [(Token, Float)]) -> SamplingError? {
            let parameters = SamplingParameters(logitBias: biases.map { .init(token: $0.0, bias: $0.1) })
            return #expect(throws: SamplingError.self) { try parameters.validated(vocabularySize: 100) }
        }
        #expect(error([(100, 1)]) == .logitBiasOutOfVocabulary(token: 100, vocabularySize: 100))
        #expect(error([(3, 1), (4, 1), (3, 2)]) == .duplicateLogitBias(token: 3))
        #expect(error((0..<1025).map { ($0, 0) }) == .tooManyLogitBiases(count: 1025, limit: 1024))
        #expect(error([(0, .nan)]) != nil)
        #expect(error([(0, 101)]) != nil)
    }

    @Test("neutral penalties or an empty window count as no penalties")
    func hasPenalties() {
        #expect(!SamplingParameters().hasPenalties)
        #expect(!SamplingParameters(repetitionPenalty: 1.2, repeatLastN: 0).hasPenalties)
        #expect(SamplingParameters(repetitionPenalty: 1.2).hasPenalties)
        #expect(SamplingParameters(presencePenalty: 0.1, repeatLastN: -1).hasPenalties)
    }
}
