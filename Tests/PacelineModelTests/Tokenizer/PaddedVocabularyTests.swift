import PacelineModel
import PacelineSpeculation
import PacelineTestKit
import Testing

@Suite("Padded vocabularies")
struct PaddedVocabularyTests {
    typealias Spelling = TinyModel.Padding.Spelling

    private static let size = TinyVocabulary.shared.tokens.count

    private static func model(_ rows: Int, _ spelling: Spelling = .ownNumber, type: Int32 = 5) -> TinyModel {
        var model = TinyModel()
        model.padding.rows = rows
        model.padding.spelling = spelling
        model.padding.type = type
        return model
    }

    /// A tokenizer of exactly these texts.
    private static func tokenizer(
        _ tokens: [String],
        types: [Int32]? = nil,
        pre: String = "gpt-2",
        merges: [String] = [],
        bos: UInt32? = nil
    ) throws -> Tokenizer {
        var writer = GGUFWriter()
        writer.add("tokenizer.ggml.model", .string("gpt2"))
        writer.add("tokenizer.ggml.pre", .string(pre))
        writer.add("tokenizer.ggml.tokens", .strings(tokens))
        if let types { writer.add("tokenizer.ggml.token_type", .int32s(types)) }
        writer.add("tokenizer.ggml.merges", .strings(merges))
        if let bos { writer.add("tokenizer.ggml.bos_token_id", .uint32(bos)) }
        return try Tokenizer(GGUFFile(bytes: writer.serialised(), name: "f.gguf"))
    }

    @Test(
        "padding rows are not tokens, whatever their spelling and type",
        arguments: Spelling.allCases,
        [1, 3, 4, 5] as [Int32]
    )
    func spellings(spelling: Spelling, type: Int32) throws {
        let bare = try TinyModel().tokenizer()
        #expect(bare.tokenCount == Self.size)
        for rows in [1, 24, 1000] {
            let padded = try Self.model(rows, spelling, type: type).tokenizer()
            #expect(padded.tokenCount == Self.size)
            #expect(padded.vocabularyFingerprint == bare.vocabularyFingerprint)
            #expect(padded.fingerprint != bare.fingerprint)
            try bare.requireSameVocabulary(asDrafter: padded)
            for text in Self.model(rows, spelling, type: type).padding.texts(after: Self.size).prefix(30) {
                #expect(padded.encode(text) == bare.encode(text), "\(text)")
            }
        }
    }

    @Test("rows before the last token are tokens, and so are texts that only look like padding")
    func lookAlikes() throws {
        let texts = ["[PAD]", "[PADx]", "[PAD1", "PAD1]", "[pad1]", "<dummy>", "<dummy1", "<dummy-1>", "[PAD1] ", "b"]
        for last in texts {
            #expect(try Self.tokenizer(["a", "[PAD1]", last]).tokenCount == 3, "\(last)")
        }
        #expect(try Self.tokenizer(["a", "[PAD1]", "b", "[PAD3]", "<dummy00004>", "[PAD0]"]).tokenCount == 3)
    }

    @Test("the vocabulary fingerprint depends only on the meaning of ids, not on merges, types or padding")
    func meaning() throws {
        let tokens = ["a", "b", "ab", "ba", "<|end|>"]
        let original = try Self.tokenizer(tokens, types: [1, 1, 1, 1, 3], merges: ["a b", "b a"])
        for same in [
            try Self.tokenizer(tokens, types: [1, 1, 1, 1, 4], merges: ["a b", "b a"]),
            try Self.tokenizer(tokens, types: nil, merges: ["a b", "b a"]),
            try Self.tokenizer(tokens, types: [1, 1, 1, 1, 3], pre: "qwen2", merges: ["b a", "a b"]),
            try Self.tokenizer(tokens, types: [1, 1, 1, 1, 3], merges: ["a b"]),
            try Self.tokenizer(tokens + ["[PAD5]", "[PAD6]"], types: [1, 1, 1, 1, 3, 5, 5], merges: ["a b"]),
        ] {
            #expect(same.vocabularyFingerprint == original.vocabularyFingerprint)
        }
        let others = [
            try Self.tokenizer(["b", "a", "ab", "ba", "<|end|>"], merges: ["a b"]),
            try Self.tokenizer(["a", "b", "ab", "ba", "<|fin|>"], merges: ["a b"]),
            try Self.tokenizer(["a", "b", "ab", "ba"], merges: ["a b"]),
            try Self.tokenizer(["a", "b", "ab", "ba", "<|end|>", "c"], merges: ["a b"]),
            try Self.tokenizer(["a", "b", "a", "bba", "<|end|>"]),
        ]
        let all = Set(others.map(\.vocabularyFingerprint) + [original.vocabularyFingerprint])
        #expect(all.count == others.count + 1)
    }

    @Test("both fingerprints match their definition in the protocol's document")
    func definition() throws {
        // Computed with Python's hashlib over the bytes that Protocols/README.md lists.
        let tokenizer = try Self.tokenizer(["a", "b", "ab", "[PAD3]"], types: [1, 1, 1, 5], merges: ["a b"])
        let whole = "ebe9307363f095fd2cb805f7f976d7f2f9874afb1ca86af63818a37bc33404c0"
        let tokens = "29fd502a04bafe64a02cbef806ea3b9078ba8eab6dfd3bc59c17d2b36b8cf30d"
        #expect(tokenizer.fingerprint.description == whole)
        #expect(tokenizer.vocabularyFingerprint.description == tokens)
    }

    @Test("padding is refused wherever a token is expected")
    func outside() throws {
        let tokenizer = try Self.model(8).tokenizer()
        let first = Token(Self.size)
        let error = TokenizerError.invalidToken(first, tokenCount: Self.size)
        #expect(throws: error) { try tokenizer.check([0, first]) }
        #expect(throws: error) { try tokenizer.decode([first]) }
        #expect(throws: error) { try tokenizer.bytes(of: first) }
        #expect(!tokenizer.controlTokens.contains { $0 >= first })
        #expect(throws: TokenizerError.self) { try Self.tokenizer(["a", "[PAD1]"], bos: 1) }
        #expect(throws: TokenizerError.wrongTokenCount(path: "f.gguf", tokens: 0)) {
            try Self.tokenizer(["[PAD0]", "[PAD1]"])
        }
    }

    @Test("a whole or trimmed head has no columns for padding")
    func columns() throws {
        let model = Self.model(64)
        let tokenizer = try model.tokenizer()
        #expect(LogitColumns(tokenizer) == LogitColumns(all: Self.size))
        #expect(LogitColumns(tokenizer, first: 1 << 20) == LogitColumns(all: Self.size))
        let trimmed = LogitColumns(tokenizer, first: 10)
        #expect(trimmed.prefix == 10 && trimmed.others.allSatisfy { $0 < Self.size })
        #expect(try model.transformer().weights.columns == LogitColumns(all: Self.size))
    }

    @Test("a padded model has the same probabilities as the unpadded one, bit for bit", arguments: [false, true])
    func law(isTied: Bool) throws {
        var (bare, padded) = (TinyModel(), Self.model(64))
        bare.hasTiedEmbeddings = isTied
        padded.hasTiedEmbeddings = isTied
        let tokens = [Token](3...40)
        let expected = try Scorer(transformer: bare.transformer()).score(tokens, count: 20)
        // If padding took part, it would sometimes be the most likely token.
        let all = LogitColumns(all: Self.size + 64)
        let unmasked = try Scorer(transformer: padded.transformer(columns: all)).score(tokens, count: 1)
        #expect(unmasked.contains { $0.top[0].token >= Self.size })
        let scorer = try Scorer(transformer: padded.transformer())
        #expect(try scorer.score(tokens, count: 20) == expected)
        #expect(throws: ScoringError.unknownToken(Token(Self.size), vocabularySize: Self.size)) {
            try scorer.score([1, Token(Self.size)], count: 1)
        }
    }
}
