import PacelineModel
import PacelineSpeculation
import PacelineTestKit
import PacelineTraining

/// Heads with random weights for a tiny model.
enum TinyHead {
    /// The tokens that it drafts.
    static let tokens = Array(10..<74)

    /// The path of a file with an EAGLE head.
    static func eagle(for model: ModelFile, taps: [FeatureTap] = [.normedOutput], name: String = "head") throws
        -> String
    {
        try written(.eagle(EagleHead<Float>.Shape(for: model, hidden: 64)), model, taps, name)
    }

    /// The path of a file with Medusa's or Hydra's heads.
    static func medusa(for model: ModelFile, readsTokens: Bool) throws -> String {
        let width = model.configuration.embeddingLength
        let shape = MedusaHeads<Float>.Shape(width: width, heads: 3, readsTokens: readsTokens)
        return try written(.medusa(shape), model, [.normedOutput], readsTokens ? "hydra" : "medusa")
    }

    /// Those that `paceline train` makes.
    static let kinds: [HeadFile.Kind] = [.eagle, .medusa, .hydra]

    /// The path of a file with a head of one of these kinds.
    static func file(_ kind: HeadFile.Kind, for model: ModelFile) throws -> String {
        try kind == .eagle ? eagle(for: model) : medusa(for: model, readsTokens: kind == .hydra)
    }

    private static func written(
        _ network: HeadFile.Network,
        _ model: ModelFile,
        _ taps: [FeatureTap],
        _ name: String
    ) throws -> String {
        var numbers = SplitMix(seed: 5)
        let head = HeadFile(
            network: network,
            parameters: (0..<network.layout.count).map { _ in 0.1 * numbers.unit() },
            vocabulary: try DraftVocabulary(
                targetTokens: tokens,
                targetCount: model.configuration.vocabularySize
            ),
            target: HeadTarget(model, name: "tiny", taps: taps)
        )
        return try TestFiles.file(head.encoded(), name: "\(name).gguf")
    }
}
