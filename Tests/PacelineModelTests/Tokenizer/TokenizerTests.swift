import PacelineModel
import PacelineSpeculation
import PacelineTestKit
import Testing

@Suite("Tokenizers")
struct TokenizerTests {
    private func tokenizer(_ change: (inout TinyModel) -> Void = { _ in }) throws -> Tokenizer {
        var model = TinyModel()
        change(&model)
        return try model.tokenizer()
    }

    private let control = TinyVocabulary.shared.controlTokens

    @Test("random text encodes and decodes to itself, normalised as the family does", arguments: PreTokenizer.known)
    func roundTrip(preTokenizer: PreTokenizer) throws {
        let tokenizer = try tokenizer { $0.preTokenizer = preTokenizer.name }
        var generator = SplitMix(seed: 11)
        for _ in 0..<300 {
            let bytes = (0..<Int.random(in: 0..<60, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            let text = String(decoding: bytes, as: UTF8.self) + " the world's first <|im_end|>"
            let normalized = preTokenizer.normalized(text)
            #expect(try tokenizer.decode(tokenizer.encode(text)) == normalized)
            #expect(try tokenizer.decode(tokenizer.encode(text, parseSpecial: false)) == normalized)
        }
    }

    @Test("control tokens are parsed anywhere, unless parsing is off")
    func special() throws {
        let tokenizer = try tokenizer()
        let text = "a<|im_start|><|im_end|>b<|im_|><|im_end|"
        let tokens = tokenizer.encode(text)
        #expect(tokens.filter { $0 >= control[0] } == [control[1], control[2]])
        #expect(tokens[1...2] == [control[1], control[2]])
        #expect(tokenizer.encode(text, parseSpecial: false).allSatisfy { $0 < control[0] })
        #expect(try tokenizer.isSpecial(control[1]) && !tokenizer.isSpecial(0))
    }

    @Test("a user-defined token of invalid UTF-8 does not split characters", arguments: ["qwen2", "gpt-2"])
    func partsOfCharacters(preTokenizer: String) throws {
        var model = TinyModel()
        model.preTokenizer = preTokenizer
        let texts = TinyVocabulary.shared.tokens.map { Array($0.utf8) } + [[0xA9], [0xC3], [0x80, 0x41]]
        let little = { (number: Int, width: Int) in (0..<width).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) } }
        let array = little(8, 4) + little(texts.count, 8) + texts.flatMap { little($0.count, 8) + $0 }
        var writer = model.writer()
        writer.set("tokenizer.ggml.tokens", .raw(type: 9, bytes: array))
        writer.set("tokenizer.ggml.token_type", .int32s(TinyVocabulary.shared.types + [4, 4, 4]))
        let tokenizer = try Tokenizer(GGUFFile(bytes: writer.serialised(), name: "parts.gguf"))
        for text in ["é", "xé", "éx", "Ã", "…é🙂", "À"] {
            let tokens = tokenizer.encode(text)
            #expect(try tokenizer.decode(tokens) == Array(text.utf8))
            #expect(tokens.allSatisfy { $0 < TinyVocabulary.shared.tokens.count })
        }
    }

    @Test("the longer of two special tokens at the same place matches, and user-defined ones always match")
    func longestSpecial() throws {
        var writer = GGUFWriter()
        writer.add("tokenizer.ggml.model", .string("gpt2"))
        writer.add("tokenizer.ggml.pre", .string("gpt-2"))
        writer.add("tokenizer.ggml.tokens", .strings(["<", "a", "<a>", "<a>a", "aa", "<u>"]))
        writer.add("tokenizer.ggml.token_type", .int32s([1, 1, 3, 3, 5, 4]))
        writer.add("tokenizer.ggml.merges", .strings([]))
        let tokenizer = try Tokenizer(GGUFFile(bytes: writer.serialised(), name: "s.gguf"))
        #expect(tokenizer.encode("<a>a<a><aaa<u>") == [3, 2, 0, 1, 1, 1, 5])
        #expect(tokenizer.encode("<a>aa<u>", parseSpecial: false) == [0, 1, 1, 1, 5])
        #expect(try tokenizer.isSpecial(4) && !tokenizer.isSpecial(5))
    }

    @Test("the beginning-of-sequence token is added only on request")
    func beginning() throws {
        let tokenizer = try tokenizer()
        #expect(tokenizer.encode("", addBOS: true) == [control[0]])
        #expect(tokenizer.encode("").isEmpty)
        #expect(tokenizer.encode("the", addBOS: true).dropFirst() == tokenizer.encode("the")[...])
        #expect((tokenizer.bos, tokenizer.eos) == (control[0], control[2]))
        #expect(tokenizer.endOfGeneration == [control[0], control[2]])
        #expect(!tokenizer.prefersBOS)
    }

    @Test(
        "the error for invalid UTF-8 has the offset of the first invalid byte",
        arguments: [
            ([0xFF], 0), ([0x61, 0xC3], 1), ([0x61, 0xC3, 0x28], 1), ([0xE4, 0xB8, 0xAD, 0xE4, 0xB8], 3),
            ([0xC0, 0x80], 0),
            ([0xED, 0xA0, 0x80], 0), ([0xF4, 0x90, 0x80, 0x80], 0), ([0x0A, 0x80], 1), ([0xF0, 0x9F, 0x91], 0),
        ] as [([UInt8], Int)]
    )
    func invalidUTF8(bytes: [UInt8], offset: Int) throws {
        let tokenizer = try tokenizer()
        #expect(throws: TokenizerError.invalidUTF8(offset: offset)) { try tokenizer.encode(bytes: bytes) }
        #expect(String(validating: bytes, as: UTF8.self) == nil)
    }

    @Test("valid bytes encode like the same text")
    func bytes() throws {
        let tokenizer = try tokenizer()
        let text = "from é中👍🏽\u{0}\r\n import"
        #expect(try tokenizer.encode(bytes: Array(text.utf8)) == tokenizer.encode(text))
    }

    @Test("the error for a token outside the vocabulary names it")
    func invalidTokens() throws {
        let tokenizer = try tokenizer()
        let size = tokenizer.tokenCount
        for token in [UInt32(size), .max] {
            let error = TokenizerError.invalidToken(token, tokenCount: size)
            #expect(throws: error) { try tokenizer.decode([0, token]) }
            #expect(throws: error) { try tokenizer.isSpecial(token) }
            #expect(throws: error) { try tokenizer.check([token]) }
            var detokenizer = IncrementalDetokenizer(tokenizer)
            #expect(throws: error) { try detokenizer.append(token) }
        }
        #expect(try tokenizer.decode([UInt32(size - 1)]) == Array("<|im_end|>".utf8))
    }

    @Test("many threads get the same tokens, whether or not words are cached")
    func concurrency() async throws {
        let tokenizer = try tokenizer()
        let texts = (0..<64).map { "the value\($0 % 7) of number \($0) is \($0 * 31) and not so long\n" }
        let reference = try self.tokenizer()
        let expected = texts.map { reference.encode($0) }
        await withTaskGroup(of: Bool.self) { group in
            for worker in 0..<8 {
                group.addTask {
                    (0..<64).allSatisfy { index in
                        let place = (index * 13 + worker) % 64
                        return tokenizer.encode(texts[place]) == expected[place]
                    }
                }
            }
            for await same in group { #expect(same) }
        }
    }

    @Test("fingerprints differ if anything that can change a token differs")
    func fingerprints() throws {
        func fingerprint(pre: String = "gpt-2", tokens: [String], types: [Int32], merges: [String]) throws
            -> TokenizerFingerprint
        {
            var writer = GGUFWriter()
            writer.add("tokenizer.ggml.model", .string("gpt2"))
            writer.add("tokenizer.ggml.pre", .string(pre))
            writer.add("tokenizer.ggml.tokens", .strings(tokens))
            writer.add("tokenizer.ggml.token_type", .int32s(types))
            writer.add("tokenizer.ggml.merges", .strings(merges))
            return try Tokenizer(GGUFFile(bytes: writer.serialised(), name: "f.gguf")).fingerprint
        }
        let tokens = ["a", "b", "ab", "ba"]
        let variants = [
            try fingerprint(tokens: tokens, types: [1, 1, 1, 1], merges: ["a b", "b a"]),
            try fingerprint(pre: "qwen2", tokens: tokens, types: [1, 1, 1, 1], merges: ["a b", "b a"]),
            try fingerprint(tokens: tokens, types: [1, 1, 1, 1], merges: ["b a", "a b"]),
            try fingerprint(tokens: tokens, types: [1, 1, 1, 1], merges: ["a b"]),
            try fingerprint(tokens: tokens, types: [1, 1, 1, 3], merges: ["a b"]),
            try fingerprint(tokens: ["b", "a", "ab", "ba"], types: [1, 1, 1, 1], merges: ["a b", "b a"]),
            try fingerprint(tokens: ["a", "b", "ab", "b", "a"], types: [1, 1, 1, 1, 1], merges: ["a b"]),
        ]
        #expect(Set(variants).count == variants.count)
        #expect(try fingerprint(tokens: tokens, types: [1, 1, 1, 1], merges: ["a b", "b a"]) == variants[0])
    }

    @Test("models that differ only in weights share a vocabulary; a mismatch error names both models")
    func mismatch() throws {
        let target = try TinyModel().tokenizer(name: "target.gguf")
        let drafter = try TinyModel().drafter().tokenizer(name: "drafter.gguf")
        try target.requireSameVocabulary(asDrafter: drafter)
        var model = TinyModel()
        model.tokenTexts[Int(control[1])] = "<|renamed|>"
        let other = try model.tokenizer(name: "other.gguf")
        let error = #expect(throws: VocabularyMismatchError.self) { try target.requireSameVocabulary(asDrafter: other) }
        let text = try #require(error?.description)
        let named = { (side: Tokenizer) in
            "\(side.path) (\(side.tokenCount) tokens, tokenizer \(side.vocabularyFingerprint.short))"
        }
        #expect(text.contains("drafter \(named(other))"))
        #expect(text.contains("target \(named(target))"))
    }

    @Test("errors for unsupported tokenizers name the supported ones")
    func unsupported() throws {
        func error(model: String, pre: String, bos: UInt32 = 0, types: [Int32] = [1]) throws -> String? {
            var writer = GGUFWriter()
            writer.add("tokenizer.ggml.model", .string(model))
            writer.add("tokenizer.ggml.pre", .string(pre))
            writer.add("tokenizer.ggml.tokens", .strings(["a"]))
            writer.add("tokenizer.ggml.token_type", .int32s(types))
            writer.add("tokenizer.ggml.merges", .strings([]))
            writer.add("tokenizer.ggml.bos_token_id", .uint32(bos))
            let file = try GGUFFile(bytes: writer.serialised(), name: "u.gguf")
            return #expect(throws: TokenizerError.self) { try Tokenizer(file) }?.description
        }
        #expect(try error(model: "bert", pre: "default")?.contains("the tokenizer model \"bert\"") == true)
        #expect(
            try error(model: "gpt2", pre: "viking")
                == "u.gguf has the pre-tokeniser \"viking\"; supported are "
                + PreTokenizer.known.map(\.name).joined(separator: ", ")
        )
        #expect(
            try error(model: "gpt2", pre: "gpt-2", bos: 1)?.contains("token 1 for tokenizer.ggml.bos_token_id") == true
        )
        #expect(try error(model: "gpt2", pre: "gpt-2", types: [1, 1])?.contains("1 tokens but 2 token types") == true)
    }
}
