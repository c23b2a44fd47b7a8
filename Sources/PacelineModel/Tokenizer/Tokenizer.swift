package import PacelineSpeculation
import Synchronization

/// Turns text into a model's tokens and back, as its GGUF file says: byte-level byte-pair encoding.
///
/// Safe to use from many threads at once; the tokens of a text depend on the text and the file only.
package final class Tokenizer: Sendable {
    /// The file it was read from, for messages.
    package let path: String
    /// How text is cut into words.
    package let preTokenizer: PreTokenizer
    /// Equal for two tokenizers exactly when they make the same tokens of every text.
    package let fingerprint: TokenizerFingerprint
    /// The token that begins a sequence, when the model has one.
    package let bos: Token?
    /// The token that ends a sequence, when the model has one.
    package let eos: Token?
    /// All tokens that end a generation: `eos` and the family's end-of-turn and end-of-text tokens.
    package let endOfGeneration: Set<Token>
    /// Whether the model expects `bos` before a text (`encode` adds it only when asked).
    package let prefersBOS: Bool

    let vocabulary: Vocabulary
    private let merges: MergeTable
    private let byteTokens: [Token?]
    private let specials: SpecialTokenMatcher
    private let cache = Mutex(WordCache())

    init(_ parts: TokenizerParts) {
        path = parts.path
        preTokenizer = parts.preTokenizer
        fingerprint = parts.fingerprint
        bos = parts.bos
        eos = parts.eos
        endOfGeneration = parts.endOfGeneration
        prefersBOS = parts.prefersBOS
        vocabulary = parts.vocabulary
        merges = parts.merges
        byteTokens = (0..<256).map { byte in
            withUnsafeBytes(of: UInt8(byte)) { parts.vocabulary.token(for: $0) }
        }
        specials = SpecialTokenMatcher(parts.vocabulary)
    }

    /// Number of tokens; ids are smaller.
    package var vocabularySize: Int { vocabulary.count }

    // MARK: Text to tokens

    /// The tokens of `text`.
    ///
    /// Bytes that the vocabulary has no token for (a few control characters in some models) are left out, as in training.
    /// - Parameters:
    ///   - addBOS: put `bos` first, if the model has one.
    ///   - parseSpecial: read the texts of control tokens ("<|im_end|>") as those tokens; otherwise as plain text.
    package func encode(_ text: String, addBOS: Bool = false, parseSpecial: Bool = true) -> [Token] {
        var text = text
        return text.withUTF8 { encode(valid: UnsafeRawBufferPointer($0), addBOS: addBOS) { _ in parseSpecial } }
    }

    /// The tokens of text that may not be valid UTF-8; throws ``TokenizerError/invalidUTF8(offset:)`` then.
    package func encode(
        bytes: [UInt8],
        addBOS: Bool = false,
        parseSpecial: Bool = true
    ) throws(TokenizerError) -> [Token] {
        let invalid = bytes.withUnsafeBytes { UTF8Scanner.firstInvalidOffset($0) }
        if let invalid { throw .invalidUTF8(offset: invalid) }
        return bytes.withUnsafeBytes { encode(valid: $0, addBOS: addBOS) { _ in parseSpecial } }
    }

    /// The tokens of a rendered chat. Only its template may hold control tokens: what a user wrote cannot end a turn.
    package func encode(_ prompt: ChatPrompt, addBOS: Bool = false) -> [Token] {
        var text = prompt.text
        return text.withUTF8 { utf8 in
            encode(valid: UnsafeRawBufferPointer(utf8), addBOS: addBOS) { range in
                !prompt.contentRanges.contains { $0.overlaps(range) }
            }
        }
    }

    private func encode(
        valid bytes: UnsafeRawBufferPointer,
        addBOS: Bool,
        allowsControl: (Range<Int>) -> Bool
    ) -> [Token] {
        var tokens: [Token] = []
        if addBOS, let bos { tokens.append(bos) }
        var encoder = BytePairEncoder(merges: merges, byteTokens: byteTokens)
        var start = 0
        while let match = specials.firstMatch(in: bytes, from: start, allowsControl: allowsControl) {
            let before = UnsafeRawBufferPointer(rebasing: bytes[start..<match.range.lowerBound])
            encodePlain(before, with: &encoder, into: &tokens)
            tokens.append(match.token)
            start = match.range.upperBound
        }
        encodePlain(UnsafeRawBufferPointer(rebasing: bytes[start...]), with: &encoder, into: &tokens)
        return tokens
    }

    private func encodePlain(
        _ bytes: UnsafeRawBufferPointer,
        with encoder: inout BytePairEncoder,
        into tokens: inout [Token]
    ) {
        let text = ScalarText(bytes)
        var start = 0
        while start < bytes.count {
            let end = preTokenizer.wordEnd(text, from: start)
            encodeWord(UnsafeRawBufferPointer(rebasing: bytes[start..<end]), with: &encoder, into: &tokens)
            start = end
        }
    }

    private func encodeWord(
        _ word: UnsafeRawBufferPointer,
        with encoder: inout BytePairEncoder,
        into tokens: inout [Token]
    ) {
        guard word.count <= WordCache.longestWord else {
            encodeUncached(word, with: &encoder, into: &tokens)
            return
        }
        let hash = ByteHash.hash(word)
        if let known = cache.withLock({ $0.tokens(of: word, hash: hash) }) {
            tokens.append(contentsOf: known)
            return
        }
        let start = tokens.count
        encodeUncached(word, with: &encoder, into: &tokens)
        let found = Array(tokens[start...])
        cache.withLock { $0.insert(word, hash: hash, tokens: found) }
    }

    private func encodeUncached(
        _ word: UnsafeRawBufferPointer,
        with encoder: inout BytePairEncoder,
        into tokens: inout [Token]
    ) {
        if preTokenizer.ignoresMerges, let whole = vocabulary.token(for: word) {
            tokens.append(whole)
        } else {
            encoder.encode(word, into: &tokens)
        }
    }

    // MARK: Tokens to text

    /// The bytes that `token` stands for; a control token's are its name. They need not be valid UTF-8 on their own.
    package func bytes(of token: Token) throws(TokenizerError) -> ArraySlice<UInt8> {
        try check(token)
        return vocabulary.bytes(of: token)
    }

    /// The bytes that `tokens` stand for, which need not be valid UTF-8.
    package func decode(_ tokens: [Token]) throws(TokenizerError) -> [UInt8] {
        var bytes: [UInt8] = []
        for token in tokens {
            bytes.append(contentsOf: try self.bytes(of: token))
        }
        return bytes
    }

    /// Whether `token` steers the model rather than standing for text (control, unknown and unused tokens).
    package func isSpecial(_ token: Token) throws(TokenizerError) -> Bool {
        try check(token)
        switch vocabulary.kind(of: token) {
        case .control, .unknown, .unused: return true
        case .normal, .userDefined, .byte, .undefined: return false
        }
    }

    /// Throws unless every token is one of this vocabulary's.
    package func check(_ tokens: [Token]) throws(TokenizerError) {
        for token in tokens { try check(token) }
    }

    private func check(_ token: Token) throws(TokenizerError) {
        guard token < vocabularySize else { throw .invalidToken(token, vocabularySize: vocabularySize) }
    }

    // MARK: Comparing

    /// Throws an error that names both models unless this, a target's tokenizer, makes the same tokens as a drafter's.
    package func requireSameVocabulary(asDrafter drafter: Tokenizer) throws(VocabularyMismatchError) {
        guard fingerprint != drafter.fingerprint else { return }
        throw VocabularyMismatchError(target: side, drafter: drafter.side)
    }

    /// How this tokenizer is named in a mismatch.
    package var side: VocabularyMismatchError.Side {
        VocabularyMismatchError.Side(name: path, vocabularySize: vocabularySize, fingerprint: fingerprint)
    }
}
