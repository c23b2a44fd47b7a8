import PacelineSpeculation

/// What a tokenizer is made of, read from a GGUF file and checked.
struct TokenizerParts {
    let path: String
    let algorithm: Tokenizer.Algorithm
    let fingerprint: TokenizerFingerprint
    let vocabularyFingerprint: TokenizerFingerprint
    let vocabulary: Vocabulary
    let bos: Token?
    let eos: Token?
    let endOfGeneration: Set<Token>
    let prefersBOS: Bool

    /// Texts of control tokens that end a turn or a text, by family; files name one of them as `eos` at most.
    private static let endTexts: Set<String> = [
        "<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", "<|end|>", "<end_of_turn>",
        "<|endofturn|>", "</s>", "<eos>",
    ]

    init(_ file: GGUFFile) throws {
        path = file.path
        let model = try file.string("tokenizer.ggml.model")
        let texts = try file.stringArray("tokenizer.ggml.tokens")
        // Ids are 32-bit and pairs of them index the merges.
        guard (1...Int(Int32.max)).contains(texts.count) else {
            throw TokenizerError.wrongTokenCount(path: path, tokens: texts.count)
        }
        let kinds = try Self.kinds(file, count: texts.count)
        switch model {
        case "gpt2":
            (vocabulary, algorithm, fingerprint) = try Self.bytePair(file, texts: texts, kinds: kinds)
        case "llama":
            (vocabulary, algorithm, fingerprint) = try Self.sentencePiece(file, texts: texts, kinds: kinds)
        default:
            let supported = ["gpt2 (byte-level BPE)", "llama (SentencePiece)"]
            throw TokenizerError.unsupportedModel(path: path, model: model, supported: supported)
        }
        guard vocabulary.tokenCount > 0 else { throw TokenizerError.wrongTokenCount(path: path, tokens: 0) }
        vocabularyFingerprint = TokenizerFingerprint(meaningOf: texts, count: vocabulary.tokenCount, model: model)
        bos = try Self.token("tokenizer.ggml.bos_token_id", file, count: vocabulary.tokenCount)
        eos = try Self.token("tokenizer.ggml.eos_token_id", file, count: vocabulary.tokenCount)
        endOfGeneration = try Self.endOfGeneration(file, vocabulary, eos: eos)
        prefersBOS = try file.boolIfPresent("tokenizer.ggml.add_bos_token") ?? algorithm.prefersBOS
    }

    private typealias Core = (Vocabulary, Tokenizer.Algorithm, TokenizerFingerprint)

    private static func bytePair(_ file: GGUFFile, texts: GGUFArray, kinds: [TokenKind]) throws -> Core {
        let preTokenizer = try Self.preTokenizer(file)
        let mergeList = try file.stringArray("tokenizer.ggml.merges")
        let alphabet = ByteLevelAlphabet()
        let vocabulary = Vocabulary(texts: texts, kinds: kinds, spelling: alphabet)
        let merges = try MergeTable(mergeList, vocabulary: vocabulary, alphabet: alphabet, path: file.path)
        let fingerprint = TokenizerFingerprint(
            model: "gpt2",
            preTokenizer: preTokenizer.name,
            tokens: texts,
            kinds: kinds,
            ranking: mergeList
        )
        return (vocabulary, .bytePair(preTokenizer, merges), fingerprint)
    }

    private static func sentencePiece(_ file: GGUFFile, texts: GGUFArray, kinds: [TokenKind]) throws -> Core {
        let scores = try file.floatArray("tokenizer.ggml.scores")
        guard let values = scores.floats, values.count == texts.count else {
            throw TokenizerError.wrongScoreCount(path: file.path, tokens: texts.count, scores: scores.count)
        }
        let addsSpacePrefix = try file.boolIfPresent("tokenizer.ggml.add_space_prefix") ?? true
        let vocabulary = Vocabulary(texts: texts, kinds: kinds, spelling: SentencePieceSpelling())
        let model = SentencePieceModel(
            vocabulary: vocabulary,
            scores: values,
            unknown: try token("tokenizer.ggml.unknown_token_id", file, count: vocabulary.tokenCount),
            addsSpacePrefix: addsSpacePrefix
        )
        let fingerprint = TokenizerFingerprint(
            model: "llama",
            preTokenizer: addsSpacePrefix ? "space prefix" : "",
            tokens: texts,
            kinds: kinds,
            ranking: scores
        )
        return (vocabulary, .sentencePiece(model), fingerprint)
    }

    private static func preTokenizer(_ file: GGUFFile) throws -> PreTokenizer {
        let name = try file.string("tokenizer.ggml.pre")
        guard let preTokenizer = PreTokenizer.named(name) else {
            let supported = PreTokenizer.known.map(\.name)
            throw TokenizerError.unsupportedPreTokenizer(path: file.path, name: name, supported: supported)
        }
        return preTokenizer
    }

    private static func kinds(_ file: GGUFFile, count: Int) throws -> [TokenKind] {
        guard let numbers = try file.integerArrayIfPresent("tokenizer.ggml.token_type") else {
            return Array(repeating: .normal, count: count)
        }
        guard numbers.count == count else {
            throw TokenizerError.wrongTypeCount(path: file.path, tokens: count, types: numbers.count)
        }
        return numbers.map { TokenKind(fileNumber: $0) }
    }

    private static func token(_ key: String, _ file: GGUFFile, count: Int) throws -> Token? {
        guard let number = try file.intIfPresent(key) else { return nil }
        guard (0..<count).contains(number) else {
            throw TokenizerError.specialTokenOutOfRange(
                path: file.path,
                key: key,
                token: number,
                tokenCount: count
            )
        }
        return Token(number)
    }

    private static func endOfGeneration(_ file: GGUFFile, _ vocabulary: Vocabulary, eos: Token?) throws -> Set<Token> {
        var ends = Set([eos].compactMap(\.self))
        for key in ["eot", "eom"] {
            let token = try token("tokenizer.ggml.\(key)_token_id", file, count: vocabulary.tokenCount)
            if let token { ends.insert(token) }
        }
        for (token, bytes) in vocabulary.tokens(of: [.control]) {
            if endTexts.contains(String(decoding: bytes, as: UTF8.self)) { ends.insert(token) }
        }
        return ends
    }
}

extension Tokenizer {
    /// Reads the tokenizer of a model file.
    ///
    /// Throws ``GGUFError`` for missing or wrong metadata and ``TokenizerError`` for a tokenizer that is not supported.
    package convenience init(_ file: GGUFFile) throws {
        self.init(try TokenizerParts(file))
    }
}
