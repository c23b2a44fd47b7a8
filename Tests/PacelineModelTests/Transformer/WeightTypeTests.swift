import PacelineSpeculation
import PacelineTensor
import PacelineTestKit
import PacelineTestTraits
import Testing

@testable import PacelineModel

/// Checks every block type, from the value of a weight to the logits of a model with that type.
@Suite("Weight types", .computing)
struct WeightTypeTests {
    @Test("Each weight of a block matches the definition", arguments: BlockFormat.allCases)
    func definition(format: BlockFormat) throws {
        let type = try #require(WeightType(rawValue: format.rawValue))
        #expect((type.blockLength, type.blockBytes) == (format.length, format.size))
        var generator = SplitMix(seed: 12)
        let count = 16 * format.length
        let bytes = format.random(count, deviation: 0.3, using: &generator)
        let matrix = FloatMatrix(rows: 1, columns: count)
        bytes.withUnsafeBytes { matrix.expand(row: 0, from: $0, type: type) }
        let expected = format.decode(bytes)
        for (found, wanted) in zip(matrix.row(0), expected) {
            // Expansion may multiply the factors in another order.
            #expect(abs(found - wanted) <= 4e-7 * max(abs(wanted), 1))
        }
        let deviation = (expected.reduce(0) { $0 + $1 * $1 } / Float(count)).squareRoot()
        #expect((0.27...0.33).contains(deviation))
    }

    @Test("A model with blocks of one type has the logits of its defined weights", arguments: BlockFormat.allCases)
    func model(format: BlockFormat) throws {
        var model = TinyModel()
        model.blocks = format
        model.blockCount = 1
        model.feedForwardLength = 256
        let tokens = Array(ArchitectureTests.prompt.prefix(6))
        var reference = ReferenceTransformer(model)
        reference.pairsHalves = false
        let expected = reference.logits(tokens)
        let found = try ArchitectureTests.logits(model.transformer(), tokens)
        let error = ArchitectureTests.relativeError(found, expected)
        #expect(error < 0.03, "\(error)")
        // Misreading half of one matrix exceeds the bound.
        let half = 65_536 / 2
        reference.weights["blk.0.ffn_down.weight"]?.replaceSubrange(..<half, with: Array(repeating: 0, count: half))
        let misread = ArchitectureTests.relativeError(found, reference.logits(tokens))
        #expect(misread > 0.045, "\(misread)")
    }
}
