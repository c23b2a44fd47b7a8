import PacelineSpeculation
import PacelineTensor
import PacelineTestKit
import PacelineTestTraits
import Testing

@testable import PacelineModel

/// Heads and rows of every width. Widths that are not whole vectors or blocks are padded with zeros.
@Suite("Widths", .computing)
struct WidthTests {
    private static let tokens: [Token] = [17, 201, 64, 5]

    /// One small block with heads of the given width.
    private static func model(headDimension: Int) -> TinyModel {
        var model = TinyModel.with(weights: .f16)
        model.blockCount = 1
        model.embeddingLength = 8
        model.feedForwardLength = 8
        model.headCount = 2
        model.keyValueHeadCount = 1
        model.headDimension = headDimension
        return model
    }

    private static func reference(_ model: TinyModel) -> ReferenceTransformer {
        var reference = ReferenceTransformer(model)
        reference.pairsHalves = false
        return reference
    }

    /// The error for heads of this width; nil if it is supported.
    private static func refusal(width: Int) -> String? {
        if width % 2 == 1 { return "tiny.gguf has heads of the odd width \(width); convert the model again" }
        guard width > 512 else { return nil }
        return "tiny.gguf has heads of width \(width), but the kernels take up to 512; use another model"
    }

    @Test("Heads of every even width up to 512 are computed; all others are refused with an error")
    func everyHeadWidth() throws {
        for width in 1...520 {
            let model = Self.model(headDimension: width)
            if let refusal = Self.refusal(width: width) {
                let error = #expect(throws: GGUFError.self) { try ModelConfiguration(model.file()) }
                #expect(error?.description == refusal)
                continue
            }
            // Compares widths near whole vectors, and some in between.
            let isCompared = width % 16 <= 2 || width % 16 == 14 || width % 50 == 0
            let tokens = Array(Self.tokens.prefix(isCompared ? 4 : 2))
            let found = try ArchitectureTests.logits(model.transformer(threads: 1), tokens, chunk: 3)
            let isFinite = found.joined().allSatisfy { $0.isFinite }
            #expect(isFinite, "width \(width)")
            guard isCompared else { continue }
            let difference = ArchitectureTests.largestDifference(found, Self.reference(model).logits(tokens))
            #expect(difference < ArchitectureTests.bound, "width \(width): \(difference)")
        }
    }

    /// Families that treat heads differently, with heads of 24 values.
    static let families = [
        ArchitectureCase(.qwen2, { $0.headDimension = 24 }, means: { _ in }, mistakes: []),
        ArchitectureCase(.qwen3, { $0.headDimension = 24 }, means: { _ in }, mistakes: []),
        ArchitectureCase(
            .phi3,
            { model in
                model.headDimension = 24
                model.rope.dimensions = 10
                model.slidingWindow = 10
            },
            means: { reference in
                reference.rotatedDimensions = 10
                reference.windows = [10, 10]
            },
            mistakes: []
        ),
    ]

    @Test(
        "Every family supports heads that are not whole vectors, one by one, in chunks and in trees",
        arguments: families
    )
    func everyFamily(family: ArchitectureCase) throws {
        let tests = ArchitectureTests()
        try tests.float(family: family)
        try tests.quantised(family: family)
        try tests.trees(family: family)
    }

    @Test(
        "Heads of any width give the same bits with any chunk size, thread count and instruction set",
        arguments: [2, 18, 100, 250, 510],
        KVType.allCases
    )
    func bits(width: Int, cacheType: KVType) throws {
        let model = Self.model(headDimension: width)
        let tokens: [Token] = (0..<40).map { Token(($0 * 31 + 5) % 251) }
        let logits = { (threads: Int, isa: InstructionSet, chunk: Int) in
            let transformer = try model.transformer(threads: threads, isa: isa, cacheType: cacheType)
            return try ArchitectureTests.logits(transformer, tokens, chunk: chunk)
        }
        let expected = try logits(1, .scalar, 1)
        for isa in InstructionSet.supported {
            for (threads, chunk) in [(1, 1), (2, 7), (4, 39)] {
                let found = try logits(threads, isa, chunk)
                #expect(found == expected)
            }
        }
    }

    @Test(
        "Rows of plain floats can have any width",
        arguments: [WeightFormat.f32, .f16, .bf16],
        [(8, 33), (40, 72), (100, 20)]
    )
    func rows(type: WeightFormat, widths: (embedding: Int, feedForward: Int)) throws {
        var model = Self.model(headDimension: 10)
        model.weights = type
        model.embeddingLength = widths.embedding
        model.feedForwardLength = widths.feedForward
        let found = try ArchitectureTests.logits(model.transformer(), Self.tokens, chunk: 3)
        let difference = ArchitectureTests.largestDifference(found, Self.reference(model).logits(Self.tokens))
        #expect(difference < ArchitectureTests.bound, "\(difference)")
        let alone = try ArchitectureTests.logits(model.transformer(threads: 1, isa: .scalar), Self.tokens, chunk: 1)
        #expect(alone == found)
    }

    @Test("The predicted memory includes the padding of heads and rows")
    func memory() throws {
        var model = Self.model(headDimension: 100)
        model.embeddingLength = 40
        let demand = try MemoryDemandTests.demand(model)
        let weights = try model.transformer().weights
        let layer = weights.layers[0]
        let matrices = [
            weights.output, layer.query, layer.key, layer.value, layer.attentionOutput, layer.gate, layer.up,
            layer.down,
        ]
        #expect(demand.weights >= matrices.reduce(0) { $0 + $1.byteCount })
        #expect(layer.query.byteCount == 208 * 64 * 2)
        let stored = KVShape(layers: 1, heads: 1, headDimension: 112).pageBytes
        #expect(demand.cache == 32 * stored)
    }

    @Test("More query heads per key head than the kernels support are refused with an error")
    func queryGroups() throws {
        var model = Self.model(headDimension: 2)
        model.headCount = 129
        let error = #expect(throws: GGUFError.self) { try ModelConfiguration(model.file()) }
        let refusal = "has 129 query heads for each key head, but the kernels take up to 128; use another model"
        #expect(error?.description == "tiny.gguf \(refusal)")
        model.headCount = 128
        let found = try ArchitectureTests.logits(model.transformer(), Self.tokens, chunk: 3)
        let difference = ArchitectureTests.largestDifference(found, Self.reference(model).logits(Self.tokens))
        #expect(difference < ArchitectureTests.bound, "\(difference)")
    }
}
