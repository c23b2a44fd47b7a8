import Foundation
import PacelineModel
import Testing

/// Texts with the tokens that the models' own tokenisers make of them.
private struct TokenizerGoldens: Decodable {
    struct Case: Decodable {
        var text: String
        var tokens: [UInt32]
    }

    var cases: [Case]

    init(_ name: String) throws {
        let url = try #require(Bundle.module.url(forResource: name, withExtension: "json", subdirectory: "Goldens"))
        self = try JSONDecoder().decode(Self.self, from: Data(contentsOf: url))
    }

    /// Checks every case with the tokenizer of a model that `Deploy/fetch-models.sh` fetched.
    func check(model: String) throws {
        let path = try ModelCatalog.fromEnvironment().resolve(model)
        let tokenizer = try Tokenizer(GGUFFile(path: path))
        #expect(cases.count > 200)
        // Twice: the second time most words come from the cache.
        for example in cases + cases {
            #expect(tokenizer.encode(example.text) == example.tokens, "\(example.text.debugDescription)")
            #expect(
                try tokenizer.decode(example.tokens) == Array(example.text.utf8),
                "\(example.text.debugDescription)"
            )
        }
    }
}

@Suite("Tokeniser goldens")
struct TokenizerGoldenTests {
    @Test("SmolLM2's tokens are the golden ones and decode to the text")
    func smollm2() throws {
        try TokenizerGoldens("tokenizer-smollm2").check(model: "smollm2-135m")
    }

    @Test(
        "Qwen2's tokens are the golden ones and decode to the text",
        .enabled(
            if: ProcessInfo.processInfo.environment["PACELINE_TEST_QWEN"] == "1",
            "needs the qwen models: Deploy/fetch-models.sh qwen, then PACELINE_TEST_QWEN=1"
        ),
        arguments: ["qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b"]
    )
    func qwen2(model: String) throws {
        try TokenizerGoldens("tokenizer-qwen2").check(model: model)
    }
}
