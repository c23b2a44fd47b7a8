import PacelineModel
import PacelineServer
import PacelineTestKit

/// Tiny models as the server knows them.
enum TestModel {
    /// - Parameters:
    ///   - names: the names that clients may use; the root's alone if there are none.
    ///   - template: the chat template of the file.
    ///   - infill: whether three tokens of the vocabulary are those of a gap.
    static func served(
        names: [String] = [],
        template: String = TinyModel.chatML,
        contextLength: Int = 2048,
        infill: Bool = false
    ) throws -> ServedModel {
        var tiny = TinyModel()
        // Nothing computes with it, so the smallest will do.
        (tiny.blockCount, tiny.embeddingLength, tiny.feedForwardLength) = (1, 32, 32)
        (tiny.headCount, tiny.keyValueHeadCount, tiny.weights) = (1, 1, .f32)
        tiny.chatTemplate = template
        if infill {
            for (place, name) in ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"].enumerated() {
                tiny.tokenTexts[infillTokens[place]] = name
                tiny.tokenTypes[infillTokens[place]] = 3
            }
        }
        return try ServedModel(
            names: names,
            root: "tiny",
            model: ModelFile(tiny.file()),
            contextLength: contextLength,
            slots: 4,
            created: 1_700_000_000,
            numerics: "test"
        )
    }

    /// The tokens of a gap in a model that has them: bytes that no test's text has.
    static let infillTokens = [1, 2, 3]
}
