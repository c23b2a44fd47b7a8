import Foundation
import PacelineSpeculation
import PacelineTensor
import PacelineTestKit
import PacelineTestTraits
import Testing

@testable import PacelineModel

/// Compares all biases of every family with a float32 pass in NumPy, and each bias alone with
/// ``ReferenceTransformer``.
@Suite("Biases", .computing)
struct BiasTests {
    private struct Golden: Decodable {
        struct Model: Decodable {
            /// The largest change of a log-probability without the least important bias.
            var smallest_effect: Double
            var logprobs: [[Double]]
        }
        var tokens: [Token]
        var models: [String: Model]
    }

    @Test("A model with all biases has the log-probabilities of a pass in NumPy")
    func numPy() throws {
        let folder = try #require(Bundle.module.url(forResource: "Goldens/biases", withExtension: nil))
        let json = try Data(contentsOf: folder.appending(path: "biases.json"))
        let golden = try JSONDecoder().decode(Golden.self, from: json)
        #expect(golden.models.count == 7)
        for (name, expected) in golden.models {
            let file = try GGUFFile(path: folder.appending(path: "\(name).gguf").path)
            let found = try Self.transformer(file)
            let logits = try ArchitectureTests.logits(found, golden.tokens, chunk: 3)
            let difference = ArchitectureTests.largestDifference(logits.map(Self.logProbabilities), expected.logprobs)
            #expect(difference < 0.005 && expected.smallest_effect > 10 * 0.005, "\(name): \(difference)")
        }
    }

    private static func transformer(
        _ file: GGUFFile,
        threads: Int = 2,
        isa: InstructionSet = .best
    ) throws -> Transformer {
        let configuration = try ModelConfiguration(file)
        let tensors = try ModelTensors(file, configuration: configuration)
        let compute = try Compute(threads: threads, isa: isa)
        let weights = try TransformerWeights(
            tensors,
            configuration: configuration,
            compute: compute,
            columns: LogitColumns(all: configuration.vocabularySize)
        )
        return Transformer(configuration: configuration, weights: weights, compute: compute)
    }

    private static func logProbabilities(_ logits: [Float]) -> [Float] {
        let largest = logits.max() ?? 0
        let sum = logits.reduce(0) { $0 + exp(Double($1 - largest)) }
        return logits.map { Float(Double($0 - largest) - log(sum)) }
    }

    @Test("One bias in one block changes the logits as in the reference", arguments: TensorNames.families)
    func alone(family: TensorNames) throws {
        let tokens = Array(ArchitectureTests.prompt.prefix(6))
        for name in family.optionalBiases where !name.hasPrefix("blk.0.") {
            var model = family.model
            model.weights = .f32
            let without = family.reference(model).logits(tokens)
            model.extraVectors = [name: family.length(of: name)]
            let found = try ArchitectureTests.logits(model.transformer(), tokens, chunk: 4)
            let difference = ArchitectureTests.largestDifference(found, family.reference(model).logits(tokens))
            #expect(difference < ArchitectureTests.bound, "\(name): \(difference)")
            let effect = ArchitectureTests.largestDifference(found, without)
            #expect(effect > 5 * ArchitectureTests.bound, "\(name): \(effect)")
        }
    }

    @Test("Models with biases give the same bits with any chunk size, thread count and instruction set")
    func bits() throws {
        for family in TensorNames.families {
            var model = family.model
            for name in family.optionalBiases { model.extraVectors[name] = family.length(of: name) }
            let tokens = ArchitectureTests.prompt
            let expected = try ArchitectureTests.logits(model.transformer(threads: 1), tokens, chunk: 1)
            for (threads, isa) in [(2, InstructionSet.best), (4, .best), (2, .scalar)] {
                let transformer = try model.transformer(threads: threads, isa: isa)
                for chunk in [7, 26] {
                    #expect(try ArchitectureTests.logits(transformer, tokens, chunk: chunk) == expected)
                }
            }
        }
    }
}
