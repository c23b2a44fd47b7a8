import PacelineTensor
import PacelineTestKit
import Testing

@testable import PacelineModel

@Suite("Predicted memory")
struct MemoryDemandTests {
    static func demand(
        _ model: TinyModel = TinyModel(),
        context: Int = 1_024,
        sequences: Int = 2,
        cacheType: KVType = .f16
    ) throws -> MemoryDemand {
        MemoryDemand(
            try ModelFile(model.file()),
            slots: context * sequences,
            contextLength: context,
            sequences: sequences,
            cacheType: cacheType
        )
    }

    @Test("Predicted weights match the packed matrices", arguments: [WeightFormat.q4_0, .q8_0, .f32], [false, true])
    func weights(type: WeightFormat, isTied: Bool) throws {
        var model = TinyModel.with(weights: type)
        model.hasTiedEmbeddings = isTied
        let weights = try model.transformer().weights
        var bytes = weights.output.byteCount
        for layer in weights.layers {
            let matrices = [
                layer.query, layer.key, layer.value, layer.attentionOutput, layer.gate, layer.up, layer.down,
            ]
            bytes += matrices.reduce(0) { $0 + $1.byteCount }
        }
        let predicted = try Self.demand(model).weights
        // The difference is the norms: at most three float32 vectors per block.
        #expect(predicted >= bytes && predicted - bytes < 10 * 512 * 4)
    }

    @Test("Keys and values grow with context and sequences, and take about half the memory as int8")
    func cache() throws {
        let shape = KVShape(layers: 2, heads: 2, headDimension: 64)
        #expect(try Self.demand().cache == 32 * shape.pageBytes)
        #expect(try Self.demand(context: 2_048).cache == 64 * shape.pageBytes)
        #expect(try Self.demand(sequences: 6).cache == 96 * shape.pageBytes)
        let ratio = try Double(Self.demand(cacheType: .int8).cache) / Double(Self.demand().cache)
        #expect((0.5...0.56).contains(ratio))
    }

    @Test("A model that fits exactly is accepted; one byte less is refused with the numbers and a way out")
    func refusal() throws {
        let demand = try Self.demand()
        try demand.check(available: demand.total)
        try demand.check(available: nil)
        #expect(throws: MemoryDemandError(demand: demand, available: demand.total - 1)) {
            try demand.check(available: demand.total - 1)
        }
        let text = MemoryDemandError(demand: demand, available: demand.total - 1).description
        #expect(text.contains("2 sequences of 1024 tokens"))
        #expect(text.contains("--context, fewer -np, --kv-type int8"))
        let small = MemoryDemandError(demand: demand, available: demand.weights).description
        #expect(small.contains("smaller model") && !small.contains("--context"))
        let int8 = try MemoryDemandError(demand: Self.demand(sequences: 1, cacheType: .int8), available: demand.total)
        #expect(!int8.description.contains("--kv-type") && !int8.description.contains("-np"))
    }

    @Test("A demand beyond the range of integers is refused and does not overflow")
    func absurd() throws {
        let file = try GGUFFile(bytes: TinyModel().serialised(), name: "absurd.gguf")
        let demand = MemoryDemand(
            try ModelFile(file),
            slots: .max / 2,
            contextLength: .max / 512,
            sequences: 256,
            cacheType: .f16
        )
        #expect(demand.cache == .max && demand.total == .max)
        #expect(throws: MemoryDemandError.self) { try demand.check(available: 1 << 50) }
        #expect(
            MemoryDemandError(demand: demand, available: 1 << 50).description.contains("9223372036855 MB of memory")
        )
    }
}
