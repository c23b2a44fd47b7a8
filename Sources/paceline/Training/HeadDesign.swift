import PacelineModel
import PacelineTraining

/// A kind of head as it is to be trained: all that a training does differently for it.
protocol HeadDesign: Sendable {
    associatedtype Head: TrainableHead<Float>

    /// What of it decides what comes out, for the record.
    var settings: [TrainingRecord.Setting] { get }

    /// The largest learning rate if none is asked for, for a target of this width.
    func learningRate(width: Int) -> Double

    func makeHead(
        for model: ModelFile,
        _ frozen: FrozenVocabulary<Float>,
        featureScale: Double
    ) throws(TrainingDataError) -> Head

    func firstParameters(of head: Head, seed: UInt64, from model: ModelFile) -> [Float]

    /// What the head computes.
    func network(of head: Head) -> HeadFile.Network
}

/// An EAGLE head with a layer like those of its target.
struct EagleDesign: HeadDesign {
    /// The width of its feed-forward block, if not the usual one.
    var hidden: Int?
    /// Whether it begins as the target's last layer.
    var copiesLayer: Bool

    var settings: [TrainingRecord.Setting] {
        [.init("--hidden", hidden.map { "\($0)" } ?? "default"), .init("--copy-layer", "\(copiesLayer)")]
    }

    func learningRate(width: Int) -> Double { width > 768 ? 3e-4 : 5e-4 }

    func makeHead(
        for model: ModelFile,
        _ frozen: FrozenVocabulary<Float>,
        featureScale: Double
    ) throws(TrainingDataError) -> EagleHead<Float> {
        let shape = EagleHead<Float>.Shape(for: model, hidden: hidden)
        return try EagleHead(shape, frozen: frozen, weights: .init(), featureScale: featureScale)
    }

    func firstParameters(of head: EagleHead<Float>, seed: UInt64, from model: ModelFile) -> [Float] {
        head.initialParameters(seed: seed, from: model, copiesLayer: copiesLayer)
    }

    func network(of head: EagleHead<Float>) -> HeadFile.Network { .eagle(head.shape) }
}

/// Medusa's or Hydra's heads.
struct MedusaDesign: HeadDesign {
    var heads: Int
    /// Residual blocks of each head.
    var blocks: Int
    /// Hydra.
    var readsTokens: Bool

    var settings: [TrainingRecord.Setting] {
        [
            .init("kind", readsTokens ? "hydra" : "medusa"), .init("--heads", "\(heads)"),
            .init("--blocks", "\(blocks)"),
        ]
    }

    /// As the papers have it, and less for wide targets, as for EAGLE heads.
    func learningRate(width: Int) -> Double { (readsTokens ? 5e-4 : 1e-3) * (width > 768 ? 0.6 : 1) }

    func makeHead(
        for model: ModelFile,
        _ frozen: FrozenVocabulary<Float>,
        featureScale: Double
    ) throws(TrainingDataError) -> MedusaHeads<Float> {
        let shape = MedusaHeads<Float>.Shape(
            width: model.configuration.embeddingLength,
            heads: heads,
            blocks: blocks,
            readsTokens: readsTokens
        )
        return try MedusaHeads(shape, frozen: frozen, weights: .init(), featureScale: featureScale)
    }

    func firstParameters(of head: MedusaHeads<Float>, seed: UInt64, from model: ModelFile) -> [Float] {
        head.initialParameters(seed: seed)
    }

    func network(of head: MedusaHeads<Float>) -> HeadFile.Network { .medusa(head.shape) }
}
