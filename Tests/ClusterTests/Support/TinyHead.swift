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

    /// The path of a file with a head that cannot draft.
    static func medusa(for model: ModelFile) throws -> String {
        let width = model.configuration.embeddingLength
        return try written(
            .medusa(.init(width: width, heads: 2, blocks: 1, readsTokens: false)),
            model,
            [.normedOutput]
        )
    }

    private static func written(
        _ network: HeadFile.Network,
        _ model: ModelFile,
        _ taps: [FeatureTap],
        _ name: String = "medusa"
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
