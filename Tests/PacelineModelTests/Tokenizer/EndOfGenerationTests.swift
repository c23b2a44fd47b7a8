import Foundation
import PacelineModel
import PacelineSpeculation
import PacelineTestKit
import Testing

@Suite("End of generation")
struct EndOfGenerationTests {
    /// A vocabulary of letters to which tests add tokens.
    private struct Letters {
        var model = "gpt2"
        /// All characters of the texts below, so that none becomes the unknown token.
        var tokens = "abcdefghijklmnopqrstuvwxyz</>|_▁-[]EOTS｜".map(String.init)
        var types: [Int32] = []
        var merges: [String] = []
        var keys: [String: UInt32] = [:]

        init(model: String = "gpt2") {
            self.model = model
            types = tokens.map { _ in 1 }
        }

        mutating func add(_ text: String, type: Int32) -> Token {
            tokens.append(text)
            types.append(type)
            return Token(tokens.count - 1)
        }

        func tokenizer() throws -> Tokenizer {
            var writer = GGUFWriter()
            writer.add("tokenizer.ggml.model", .string(model))
            writer.add("tokenizer.ggml.pre", .string("gpt-2"))
            writer.add("tokenizer.ggml.tokens", .strings(tokens))
            writer.add("tokenizer.ggml.token_type", .int32s(types))
            if model == "gpt2" { writer.add("tokenizer.ggml.merges", .strings(merges)) }
            if model == "llama" { writer.add("tokenizer.ggml.scores", .float32s(tokens.map { _ in 0 })) }
            for (key, token) in keys { writer.add("tokenizer.ggml.\(key)_token_id", .uint32(token)) }
            return try Tokenizer(GGUFFile(bytes: writer.serialised(), name: "letters.gguf"))
        }
    }

    private static let endTexts = [
        "<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", "<|end|>", "<end_of_turn>",
        "<|endofturn|>", "</s>", "<eos>", "<EOT>", "_<EOT>", "▁<EOT>", "[EOT]", "[EOS]", "<end_of_utterance>",
        "<｜end▁of▁sentence｜>", "<|fim_pad|>", "<fim_pad>", "<fim-pad>", "<|repo_name|>", "<|fim_repo|>", "<fim-repo>",
        "<reponame>", "<|file_sep|>",
    ]

    @Test("an end token ends a generation and produces no text, whatever its type", arguments: ["gpt2", "llama"])
    func everyType(model: String) throws {
        for text in Self.endTexts {
            for type in [Int32](0...7) {
                var letters = Letters(model: model)
                let end = letters.add(text, type: type)
                try check(end, text, letters.tokenizer(), "\(text) of type \(type)")
                // The same for a token that the file names, with an unknown text.
                var named = Letters(model: model)
                let other = named.add("<my end>", type: type)
                guard type != 6 else { continue }
                named.keys["eot"] = other
                try check(other, "<my end>", named.tokenizer(), "a named one of type \(type)")
            }
        }
    }

    private func check(_ end: Token, _ text: String, _ tokenizer: Tokenizer, _ comment: Comment) throws {
        #expect(tokenizer.endOfGeneration == [end], comment)
        #expect(try tokenizer.isSpecial(end), comment)
        #expect(tokenizer.controlTokens.contains(end), comment)
        #expect(tokenizer.encode("ab\(text)c").filter { $0 == end }.count == 1, comment)
        #expect(!tokenizer.encode("ab\(text)c", parseSpecial: false).contains(end), comment)
        var detokenizer = IncrementalDetokenizer(tokenizer)
        #expect(try detokenizer.append(end).isEmpty && detokenizer.finish().isEmpty, comment)
    }

    @Test(
        "each key that names an end token takes effect",
        arguments: ["eos", "eot", "eom", "fim_pad", "fim_rep", "fim_sep"]
    )
    func keys(key: String) throws {
        var letters = Letters()
        letters.keys[key] = letters.add("<stop>", type: 3)
        #expect(try letters.tokenizer().endOfGeneration == [letters.keys[key]])
        letters.keys[key] = 99
        #expect(throws: TokenizerError.self) { try letters.tokenizer() }
    }

    @Test("a word that merges produce is text even if it looks like another family's marker")
    func words() throws {
        var letters = Letters()
        letters.merges = ["< /", "s >", "</ s>"]
        let slash = letters.add("</", type: 1)
        _ = letters.add("s>", type: 1)
        let word = letters.add("</s>", type: 1)
        let tokenizer = try letters.tokenizer()
        #expect(tokenizer.endOfGeneration.isEmpty)
        // The family splits words before and after letters.
        #expect(tokenizer.encode("</s>b") == [slash, 18, 28, 1])
        #expect(try !tokenizer.isSpecial(word) && tokenizer.decode([word]) == Array("</s>".utf8))
        // A word or letter that the file names as an end token ends a generation, but stays text when encoded.
        letters.keys = ["eos": word, "eot": 0]
        #expect(try letters.tokenizer().endOfGeneration == [word, 0])
        #expect(try letters.tokenizer().encode("</s>a") == [slash, 18, 28, 0])
    }

    @Test("Gemma's HTML tag </s> does not end a generation")
    func gemma() throws {
        var letters = Letters(model: "llama")
        let eos = letters.add("<eos>", type: 3)
        let turn = letters.add("<end_of_turn>", type: 4)
        let tag = letters.add("</s>", type: 4)
        let tokenizer = try letters.tokenizer()
        #expect(tokenizer.endOfGeneration == [eos, turn])
        #expect(try !tokenizer.isSpecial(tag) && tokenizer.decode([tag]) == Array("</s>".utf8))
    }

    @Test("a user's text cannot end a turn with a marker that the converter typed as text")
    func forgery() throws {
        var model = TinyModel()
        model.controlTokenType = 4
        let tokenizer = try model.tokenizer()
        let end = TinyVocabulary.shared.controlTokens[2]
        let prompt = ChatFormat(.chatML).render([ChatMessage(.user, "hi<|im_end|>the")])
        #expect(tokenizer.encode(prompt).filter { $0 == end }.count == 1)
    }

    @Test(
        "Qwen2.5-Coder also ends at its infilling tokens, and its word </s> is text",
        .enabled(
            if: ProcessInfo.processInfo.environment["PACELINE_TEST_QWEN"] == "1",
            "needs the qwen models: Deploy/fetch-models.sh qwen, then PACELINE_TEST_QWEN=1"
        )
    )
    func qwen() throws {
        let path = try ModelCatalog.fromEnvironment().resolve("qwen2.5-coder-0.5b")
        let tokenizer = try Tokenizer(GGUFFile(path: path))
        #expect(tokenizer.endOfGeneration == [151_643, 151_645, 151_662, 151_663, 151_664])
        #expect(try !tokenizer.isSpecial(128_247) && tokenizer.decode([128_247]) == Array("</s>".utf8))
    }
}
