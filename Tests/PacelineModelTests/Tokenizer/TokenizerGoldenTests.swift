import Foundation
import PacelineModel
import PacelineTestKit
import Testing

/// Texts with their tokens from the models' own tokenizers.
private struct TokenizerGoldens: Decodable {
    struct Case: Decodable {
        var text: String
        var tokens: [UInt32]
        /// The decoded text, if it differs: normalised, or without bytes that have no token.
        var decoded: String?
    }

    var cases: [Case]

    init(_ name: String) throws {
        let url = try #require(Bundle.module.url(forResource: name, withExtension: "json", subdirectory: "Goldens"))
        self = try JSONDecoder().decode(Self.self, from: Data(contentsOf: url))
    }

    /// Checks all cases with the tokenizer of a model from `Deploy/fetch-models.sh`.
    func check(model: String, count: Int) throws {
        let path = try ModelCatalog.fromEnvironment().resolve(model)
        try check(Tokenizer(GGUFFile(path: path)), count: count)
    }

    func check(_ tokenizer: Tokenizer, count: Int) throws {
        #expect(cases.count == count)
        // Runs twice, so that most words come from the cache the second time.
        for example in cases + cases {
            let name = Comment(rawValue: example.text.debugDescription)
            #expect(tokenizer.encode(example.text) == example.tokens, name)
            // Dropped bytes may leave broken characters. Compares bytes because `==` on strings ignores normalisation.
            let decoded = String(decoding: try tokenizer.decode(example.tokens), as: UTF8.self)
            #expect(Array(decoded.utf8) == Array((example.decoded ?? example.text).utf8), name)
        }
    }
}

@Suite("Tokenizer goldens")
struct TokenizerGoldenTests {
    @Test("SmolLM2's tokens match the golden ones and decode to the text")
    func smollm2() throws {
        try TokenizerGoldens("tokenizer-smollm2").check(model: "smollm2-135m", count: 215)
        try TokenizerGoldens("tokenizer-random-smollm2").check(model: "smollm2-135m", count: 5000)
    }

    @Test(
        "random texts have the published tokens when all byte pairs merge, so words end in the same places",
        arguments: ["gpt-2", "smollm", "llama-bpe", "qwen2"]
    )
    func pairs(preTokenizer: String) throws {
        let file = try GGUFFile(bytes: BytePairVocabulary.file(preTokenizer: preTokenizer), name: "pairs.gguf")
        try TokenizerGoldens("tokenizer-random-pairs-\(preTokenizer)").check(Tokenizer(file), count: 1250)
    }

    @Test(
        "Qwen2's tokens match the golden ones and decode to the text in NFC",
        .enabled(
            if: ProcessInfo.processInfo.environment["PACELINE_TEST_QWEN"] == "1",
            "needs the qwen models: Deploy/fetch-models.sh qwen, then PACELINE_TEST_QWEN=1"
        ),
        arguments: ["qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b"]
    )
    func qwen2(model: String) throws {
        try TokenizerGoldens("tokenizer-qwen2").check(model: model, count: 215)
        try TokenizerGoldens("tokenizer-random-qwen2").check(model: model, count: 5000)
    }
}
