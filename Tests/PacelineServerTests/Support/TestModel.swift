import PacelineModel
import PacelineServer
import PacelineTestKit

/// Tiny models as the server knows them.
enum TestModel {
    /// - Parameters:
    ///   - names: the names that clients may use; the root's alone if there are none.
    ///   - template: the chat template of the file.
    ///   - infill: whether the last three words of the vocabulary are the tokens of a gap.
    static func served(
        names: [String] = [],
        template: String = TinyModel.chatML,
        contextLength: Int = 2048,
        infill: Bool = false
    ) throws -> ServedModel {
        var tiny = TinyModel()
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

    /// The tokens of a gap in a model that has them.
    static let infillTokens = Array(TinyVocabulary.shared.tokens.count - 6..<TinyVocabulary.shared.tokens.count - 3)
}
