import PacelineSpeculation

/// The parts of a tokenizer, read from a GGUF file and checked.
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
    /// Whether special tokens absorb the white space after them.
    let markersTakeWhiteSpace: Bool

    init(_ file: GGUFFile) throws {
        path = file.path
        let model = try file.string("tokenizer.ggml.model")
        let texts = try file.stringArray("tokenizer.ggml.tokens")
        // Ids are 32-bit, and pairs of them are the keys of the merge table.
        guard (1...Int(Int32.max)).contains(texts.count) else {
            throw TokenizerError.wrongTokenCount(path: path, tokens: texts.count)
        }
        let types = try Self.types(file, count: texts.count)
        let tokenCount = Vocabulary.tokenCount(texts)
        guard tokenCount > 0 else { throw TokenizerError.wrongTokenCount(path: path, tokens: 0) }
        let markers = try MarkerTokens(file, texts: texts, tokenCount: tokenCount, types: types)
        let source = Source(file: file, texts: texts, tokenCount: tokenCount, types: types, kinds: markers.kinds)
        switch model {
        case "gpt2": (vocabulary, algorithm, fingerprint) = try Self.bytePair(source)
        case "llama": (vocabulary, algorithm, fingerprint) = try Self.sentencePiece(source)
        default:
            let supported = ["gpt2 (byte-level BPE)", "llama (SentencePiece)"]
            throw TokenizerError.unsupportedModel(path: path, model: model, supported: supported)
        }
        (bos, eos, endOfGeneration) = (markers.bos, markers.eos, markers.endOfGeneration)
        let family = try file.stringIfPresent("general.architecture").flatMap(Architecture.named)
        markersTakeWhiteSpace = family?.markersTakeWhiteSpace ?? false
        vocabularyFingerprint = TokenizerFingerprint(meaningOf: texts, count: vocabulary.tokenCount, model: model)
        prefersBOS = try file.boolIfPresent("tokenizer.ggml.add_bos_token") ?? algorithm.prefersBOS
    }

    /// The input that both algorithms need.
    private struct Source {
        let file: GGUFFile
        let texts: GGUFArray
        let tokenCount: Int
        /// The types as the file states them, which the fingerprint of protocol version 1 hashes.
        let types: [TokenKind]
        /// The types with the converters' mistakes corrected.
        let kinds: [TokenKind]

        func vocabulary(spelling: some TokenSpelling, encoded: Set<TokenKind>) -> Vocabulary {
            Vocabulary(texts: texts, tokenCount: tokenCount, kinds: kinds, spelling: spelling, encoded: encoded)
        }
    }

    private typealias Core = (Vocabulary, Tokenizer.Algorithm, TokenizerFingerprint)

    private static func bytePair(_ source: Source) throws -> Core {
        let preTokenizer = try Self.preTokenizer(source.file)
        let mergeList = try source.file.stringArray("tokenizer.ggml.merges")
        let alphabet = ByteLevelAlphabet()
        let vocabulary = source.vocabulary(spelling: alphabet, encoded: [.normal])
        let merges = try MergeTable(mergeList, vocabulary: vocabulary, alphabet: alphabet, path: source.file.path)
        let fingerprint = TokenizerFingerprint(
            model: "gpt2",
            preTokenizer: preTokenizer.name,
            tokens: source.texts,
            kinds: source.types,
            ranking: mergeList
        )
        return (vocabulary, .bytePair(preTokenizer, merges), fingerprint)
    }

    private static func sentencePiece(_ source: Source) throws -> Core {
        let (file, count) = (source.file, source.texts.count)
        let scores = try file.floatArray("tokenizer.ggml.scores")
        guard let values = scores.floats, values.count == count else {
            throw TokenizerError.wrongScoreCount(path: file.path, tokens: count, scores: scores.count)
        }
        let addsSpacePrefix = try file.boolIfPresent("tokenizer.ggml.add_space_prefix") ?? true
        let vocabulary = source.vocabulary(spelling: SentencePieceSpelling(), encoded: [.normal, .userDefined])
        let model = SentencePieceModel(
            vocabulary: vocabulary,
            scores: values,
            unknown: try MarkerTokens.token("unknown", file, count: vocabulary.tokenCount),
            addsSpacePrefix: addsSpacePrefix
        )
        let fingerprint = TokenizerFingerprint(
            model: "llama",
            preTokenizer: addsSpacePrefix ? "space prefix" : "",
            tokens: source.texts,
            kinds: source.types,
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

    private static func types(_ file: GGUFFile, count: Int) throws -> [TokenKind] {
        guard let numbers = try file.integerArrayIfPresent("tokenizer.ggml.token_type") else {
            return Array(repeating: .normal, count: count)
        }
        guard numbers.count == count else {
            throw TokenizerError.wrongTypeCount(path: file.path, tokens: count, types: numbers.count)
        }
        return numbers.map { TokenKind(fileNumber: $0) }
    }
}

extension Tokenizer {
    /// Reads the tokenizer of a model file.
    ///
    /// Throws ``GGUFError`` for missing or invalid metadata and ``TokenizerError`` for an unsupported tokenizer.
    package convenience init(_ file: GGUFFile) throws {
        self.init(try TokenizerParts(file))
    }
}
