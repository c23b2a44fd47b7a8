import PacelineModel
import PacelineSpeculation
import PacelineTensor
import PacelineTraining

/// Three of Medusa's or Hydra's heads with random weights, for the target of a ``SmallHead``.
struct SmallMedusa {
    static let heads = 3

    let shape: MedusaHeads<Float>.Shape
    let parameters: [Float]
    private let target: SmallHead

    init(seed: UInt64 = 1, blocks: Int = 1, readsTokens: Bool) throws {
        var numbers = SplitMix(seed: seed)
        shape = .init(width: SmallHead.width, heads: Self.heads, blocks: blocks, readsTokens: readsTokens)
        parameters = numbers.values(shape.layout.count, size: 0.4)
        target = try SmallHead(seed: seed + 1)
    }

    var vocabulary: DraftVocabulary { target.vocabulary }

    func trainable() throws -> MedusaHeads<Float> {
        let frozen = try FrozenVocabulary(
            embedding: EmbeddingTable(rows: target.embedding),
            output: OutputSlice(rows: target.output),
            vocabulary: vocabulary
        )
        return try MedusaHeads(shape, frozen: frozen, weights: .init(), featureScale: 1)
    }

    func network(_ precision: HeadPrecision = .float, compute: Compute) throws -> MedusaNetwork {
        try MedusaNetwork(
            shape,
            parameters: parameters,
            vocabulary: TargetVocabulary(
                embedding: target.embedding,
                output: target.output,
                tokens: vocabulary,
                compute: compute
            ),
            precision: precision,
            compute: compute
        )
    }
}
