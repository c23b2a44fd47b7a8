import PacelineSpeculation

/// The tokens that begin a text or end a generation, regardless of the types in the file.
///
/// Different converters give the same marker the type control, user-defined, normal or unused. Here it is always a
/// control token: templates can write it but users cannot, trimmed drafters score it, and it produces no text.
struct MarkerTokens {
    /// The token that begins a sequence; nil if the file names none.
    let bos: Token?
    /// The token that ends a sequence; nil if the file names none.
    let eos: Token?
    /// All tokens that end a generation.
    let endOfGeneration: Set<Token>
    /// The kind of each token of the vocabulary.
    let kinds: [TokenKind]

    /// Texts that end a turn, a text or an infilled piece of code in any family. A file names at most one as `eos`.
    ///
    /// llama.cpp also recognises end tokens by their texts (`special_eog_ids` in llama-vocab.cpp).
    private static let endTexts: Set<String> = [
        "<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", "<|end|>", "<end_of_turn>",
        "<|endofturn|>", "</s>", "<eos>", "<EOT>", "_<EOT>", "▁<EOT>", "[EOT]", "[EOS]", "<end_of_utterance>",
        "<｜end▁of▁sentence｜>",
        // After a complete infill, code models go on with padding, another file or another repository.
        "<|fim_pad|>", "<fim_pad>", "<fim-pad>", "<|repo_name|>", "<|fim_repo|>", "<fim-repo>", "<reponame>",
        "<|file_sep|>",
    ]

    /// Metadata keys that name tokens that end a generation.
    private static let endKeys = ["eos", "eot", "eom", "fim_pad", "fim_rep", "fim_sep"]

    /// - Parameters:
    ///   - texts: the token texts of the file.
    ///   - tokenCount: the number of tokens, without padding.
    ///   - types: their types as the file states them.
    init(_ file: GGUFFile, texts: GGUFArray, tokenCount: Int, types: [TokenKind]) throws {
        bos = try Self.token("bos", file, count: tokenCount)
        eos = try Self.token("eos", file, count: tokenCount)
        let named = try Self.endKeys.compactMap { try Self.token($0, file, count: tokenCount) }
        let marked = Self.tokensWithEndTexts(texts)
        let candidates = Set(named).union(marked).union([bos].compactMap(\.self))
        let bytes = Set(named).subtracting(marked).filter { types[Int($0)] == .byte }
        let words = try Self.words(among: candidates, file, texts: texts, types: types).union(bytes)
        endOfGeneration = marked.subtracting(words).union(named)
        var kinds = types
        for token in candidates.subtracting(words) where kinds[Int(token)] != .unknown { kinds[Int(token)] = .control }
        self.kinds = kinds
    }

    private static func tokensWithEndTexts(_ texts: GGUFArray) -> Set<Token> {
        var found = Set<Token>()
        var strikes = Set<Token>()
        var hasEOS = false
        let firsts = Set(endTexts.compactMap(\.utf8.first)), lasts = Set(endTexts.compactMap(\.utf8.last))
        texts.forEachString { index, bytes in
            // Rejects nearly all of 150,000 tokens cheaply, so that loading stays fast.
            guard let last = bytes.last, lasts.contains(last), firsts.contains(bytes[0]) else { return }
            let text = String(decoding: bytes, as: UTF8.self)
            guard endTexts.contains(text) else { return }
            found.insert(Token(index))
            if text == "</s>" { strikes.insert(Token(index)) }
            if text == "<eos>" { hasEOS = true }
        }
        // Gemma has tokens for HTML tags, and in HTML </s> ends struck-out text.
        return hasEOS ? found.subtracting(strikes) : found
    }

    /// The ordinary words among `tokens`: normal tokens of one character, or ones that merges produce, such as Qwen's
    /// `</s>`. No merges produce a marker.
    private static func words(
        among tokens: Set<Token>,
        _ file: GGUFFile,
        texts: GGUFArray,
        types: [TokenKind]
    ) throws -> Set<Token> {
        let candidates = tokens.filter { types[Int($0)] == .normal }
        guard !candidates.isEmpty else { return [] }
        var words = Set<Token>()
        var normal: [[UInt8]: Token] = [:]
        texts.forEachString { index, bytes in
            if candidates.contains(Token(index)) { normal[Array(bytes)] = Token(index) }
        }
        for (text, token) in normal where String(decoding: text, as: UTF8.self).unicodeScalars.count < 2 {
            words.insert(token)
        }
        guard file.metadata["tokenizer.ggml.merges"] != nil else { return words }
        let lengths = Set(normal.keys.map(\.count))
        try file.stringArray("tokenizer.ggml.merges").forEachString { _, merge in
            guard lengths.contains(merge.count - 1) else { return }
            // A merge has one space, between its halves.
            if let token = normal[merge.filter { $0 != UInt8(ascii: " ") }] { words.insert(token) }
        }
        return words
    }

    /// The token that `tokenizer.ggml.NAME_token_id` names; nil if the file lacks that key.
    static func token(_ name: String, _ file: GGUFFile, count: Int) throws -> Token? {
        let key = "tokenizer.ggml.\(name)_token_id"
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
}
