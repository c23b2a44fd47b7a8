import PacelineSpeculation

/// What a tokenizer is made of, read from a GGUF file and checked.
struct TokenizerParts {
    let path: String
    let preTokenizer: PreTokenizer
    let fingerprint: TokenizerFingerprint
    let vocabulary: Vocabulary
    let merges: MergeTable
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
        guard model == "gpt2" else {
            throw TokenizerError.unsupportedModel(path: path, model: model, supported: ["gpt2 (byte-level BPE)"])
        }
        preTokenizer = try Self.preTokenizer(file)
        let texts = try file.stringArray("tokenizer.ggml.tokens")
        // Ids are 32-bit and pairs of them index the merges.
        guard (1...Int(Int32.max)).contains(texts.count) else {
            throw TokenizerError.wrongTokenCount(path: path, tokens: texts.count)
        }
        let kinds = try Self.kinds(file, count: texts.count)
        let mergeList = try file.stringArray("tokenizer.ggml.merges")
        let alphabet = ByteLevelAlphabet()
        vocabulary = Vocabulary(texts: texts, kinds: kinds, alphabet: alphabet)
        merges = try MergeTable(mergeList, vocabulary: vocabulary, alphabet: alphabet, path: path)
        fingerprint = TokenizerFingerprint(
            model: model,
            preTokenizer: preTokenizer.name,
            tokens: texts,
            kinds: kinds,
            merges: mergeList
        )
        bos = try Self.token("tokenizer.ggml.bos_token_id", file, count: texts.count)
        eos = try Self.token("tokenizer.ggml.eos_token_id", file, count: texts.count)
        endOfGeneration = try Self.endOfGeneration(file, vocabulary, eos: eos)
        prefersBOS = try file.boolIfPresent("tokenizer.ggml.add_bos_token") ?? preTokenizer.addsBOS
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
                vocabularySize: count
            )
        }
        return Token(number)
    }

    private static func endOfGeneration(_ file: GGUFFile, _ vocabulary: Vocabulary, eos: Token?) throws -> Set<Token> {
        var ends = Set([eos].compactMap(\.self))
        for key in ["eot", "eom"] {
            let token = try token("tokenizer.ggml.\(key)_token_id", file, count: vocabulary.count)
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
