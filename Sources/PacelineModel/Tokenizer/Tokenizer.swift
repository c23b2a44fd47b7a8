import PacelineChat
package import PacelineGrammar
package import PacelineSpeculation
import Synchronization

/// Turns text into a model's tokens and back by the rules of its GGUF file: byte-level byte-pair encoding or
/// SentencePiece.
///
/// Safe to use from many threads at once. The tokens of a text depend only on the text and the file.
package final class Tokenizer: Sendable {
    /// The path of the model file, for messages.
    package let path: String
    /// Equal for two tokenizers that turn every text into the same tokens and have the same padding.
    package let fingerprint: TokenizerFingerprint
    /// Equal for two tokenizers if and only if every token has the same text in both, ignoring padding.
    package let vocabularyFingerprint: TokenizerFingerprint
    /// The token that begins a sequence; nil if the model has none.
    package let bos: Token?
    /// The token that ends a sequence; nil if the model has none.
    package let eos: Token?
    /// All tokens that end a generation: `eos` and the family's end-of-turn and end-of-text tokens.
    package let endOfGeneration: Set<Token>
    /// Whether the model expects `bos` before a text. `encode` adds it only on request.
    package let prefersBOS: Bool

    let vocabulary: Vocabulary
    let algorithm: Algorithm
    /// The token of each single byte, for byte-level encoding.
    private let byteTokens: [Token?]
    private let specials: SpecialTokenMatcher
    /// The control tokens by their names.
    private let markers: [[UInt8]: Token]
    /// Finds the names of special tokens in stop strings.
    let silent: SpecialTokenMatcher
    private let cache = Mutex(WordCache())
    private let lazyTrie = Mutex<VocabularyTrie?>(nil)

    /// How text becomes tokens.
    enum Algorithm: Sendable {
        /// Splits text into words and merges each word's bytes by rank.
        case bytePair(PreTokenizer, MergeTable)
        /// Merges the text's characters by score.
        case sentencePiece(SentencePieceModel)

        var isSentencePiece: Bool {
            switch self {
            case .bytePair: false
            case .sentencePiece: true
            }
        }

        /// Whether the family puts its beginning-of-sequence token first, unless the file says otherwise.
        var prefersBOS: Bool {
            switch self {
            case .bytePair(let preTokenizer, _): preTokenizer.addsBOS
            case .sentencePiece: true
            }
        }
    }

    init(_ parts: TokenizerParts) {
        path = parts.path
        fingerprint = parts.fingerprint
        vocabularyFingerprint = parts.vocabularyFingerprint
        bos = parts.bos
        eos = parts.eos
        endOfGeneration = parts.endOfGeneration
        prefersBOS = parts.prefersBOS
        vocabulary = parts.vocabulary
        algorithm = parts.algorithm
        byteTokens = (0..<256).map { byte in
            withUnsafeBytes(of: UInt8(byte)) { parts.vocabulary.token(for: $0) }
        }
        let controls = parts.vocabulary.tokens(of: [.control])
        markers = Dictionary(controls.map { ($0.bytes, $0.token) }, uniquingKeysWith: { first, _ in first })
        silent = SpecialTokenMatcher(parts.vocabulary, of: Self.specialKinds)
        specials = SpecialTokenMatcher(
            parts.vocabulary,
            of: [.control, .unknown, .userDefined],
            spellsSpaces: parts.algorithm.isSentencePiece,
            takesWhiteSpace: parts.markersTakeWhiteSpace
        )
    }

    /// The tokens that steer the model, such as turn markers and tokens that end a generation.
    package var controlTokens: Set<Token> {
        endOfGeneration.union(vocabulary.tokens(of: [.control]).map(\.token))
    }

    /// The vocabulary as constrained texts see it; made when it is first asked for.
    package var trie: VocabularyTrie {
        lazyTrie.withLock { trie in
            let known = trie ?? makeTrie()
            trie = known
            return known
        }
    }

    /// Number of tokens; ids are smaller. A model's embedding may have more rows, which are padding.
    package var tokenCount: Int { vocabulary.tokenCount }

    // MARK: Text to tokens

    /// The tokens of `text`.
    ///
    /// First cuts out the texts of special tokens, then normalises the rest as the family does. Drops bytes without a
    /// token (a few control characters in some models), as in training. ``decode(_:)`` returns the text without them.
    ///
    /// - Parameters:
    ///   - addBOS: whether to put `bos` first, if the model has one and the text does not begin with it.
    ///   - parseSpecial: whether the text of a control token, such as "<|im_end|>", becomes that token; otherwise it is
    ///     plain text.
    package func encode(_ text: String, addBOS: Bool = false, parseSpecial: Bool = true) -> [Token] {
        var text = text
        return text.withUTF8 { encode(valid: UnsafeRawBufferPointer($0), addBOS: addBOS) { _ in parseSpecial } }
    }

    /// The tokens of a text given as bytes. Throws ``TokenizerError/invalidUTF8(offset:)`` if it is not valid UTF-8.
    package func encode(
        bytes: [UInt8],
        addBOS: Bool = false,
        parseSpecial: Bool = true
    ) throws(TokenizerError) -> [Token] {
        let invalid = bytes.withUnsafeBytes { UTF8Scanner.firstInvalidOffset($0) }
        if let invalid { throw .invalidUTF8(offset: invalid) }
        return bytes.withUnsafeBytes { encode(valid: $0, addBOS: addBOS) { _ in parseSpecial } }
    }

    /// The tokens of a rendered chat. Only template text can become control tokens, so message contents cannot end a
    /// turn.
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
        var start = 0
        while let match = specials.firstMatch(in: bytes, from: start, allowsControl: allowsControl) {
            encodePlain(UnsafeRawBufferPointer(rebasing: bytes[start..<match.range.lowerBound]), into: &tokens)
            tokens.append(match.token)
            start = match.end
        }
        encodePlain(UnsafeRawBufferPointer(rebasing: bytes[start...]), into: &tokens)
        if addBOS, let bos, tokens.first != bos { tokens.insert(bos, at: 0) }
        return tokens
    }

    /// Appends the tokens of text without special tokens that is at the start or follows a special token.
    private func encodePlain(_ bytes: UnsafeRawBufferPointer, into tokens: inout [Token]) {
        guard !bytes.isEmpty else { return }
        switch algorithm {
        case .bytePair(let preTokenizer, let merges):
            var words = WordEncoder(
                preTokenizer: preTokenizer,
                vocabulary: vocabulary,
                encoder: BytePairEncoder(merges: merges, byteTokens: byteTokens)
            )
            words.encode(bytes, cache: cache, into: &tokens)
        case .sentencePiece(let model):
            var text: [UInt8] = model.addsSpacePrefix ? [UInt8(ascii: " ")] : []
            SentencePieceSpelling.appendWithSpaces(bytes, to: &text)
            var encoder = SentencePieceEncoder(model: model, vocabulary: vocabulary)
            text.withUnsafeBytes { encoder.encode($0, into: &tokens) }
        }
    }

    // MARK: Tokens to text

    /// The bytes of `token`; for a control token, its name. They need not be valid UTF-8 on their own.
    package func bytes(of token: Token) throws(TokenizerError) -> ArraySlice<UInt8> {
        try check(token)
        return vocabulary.bytes(of: token)
    }

    /// The bytes of the text that `tokens` encode; they need not be valid UTF-8.
    ///
    /// Removes the spaces that ``encode(_:addBOS:parseSpecial:)`` adds before a text.
    package func decode(_ tokens: [Token]) throws(TokenizerError) -> [UInt8] {
        var bytes: [UInt8] = []
        var beginsText = true
        for token in tokens {
            let piece = try self.bytes(of: token)
            bytes.append(contentsOf: beginsText ? withoutSpacePrefix(piece, of: token) : piece)
            beginsText = isMarker(token)
        }
        return bytes
    }

    /// The bytes of a token that begins a text, without the space that encoding added.
    func withoutSpacePrefix(_ bytes: ArraySlice<UInt8>, of token: Token) -> ArraySlice<UInt8> {
        guard case .sentencePiece(let model) = algorithm, model.addsSpacePrefix, !isMarker(token) else { return bytes }
        return bytes.first == UInt8(ascii: " ") ? bytes.dropFirst() : bytes
    }

    /// Whether encoding cuts `token`, which must be valid, out of a text before it encodes the rest.
    func isMarker(_ token: Token) -> Bool {
        switch vocabulary.kind(of: token) {
        case .control, .unknown: true
        // The encoding itself produces tokens of spaces alone.
        case .userDefined: !vocabulary.bytes(of: token).allSatisfy { $0 == UInt8(ascii: " ") }
        case .normal, .unused, .byte, .undefined: false
        }
    }

    /// Whether `token` steers the model instead of producing text (control, unknown and unused tokens).
    package func isSpecial(_ token: Token) throws(TokenizerError) -> Bool {
        try check(token)
        return Self.specialKinds.contains(vocabulary.kind(of: token))
    }

    static let specialKinds: Set<TokenKind> = [.control, .unknown, .unused]

    /// Throws unless every token is in this vocabulary.
    package func check(_ tokens: [Token]) throws(TokenizerError) {
        for token in tokens { try check(token) }
    }

    private func check(_ token: Token) throws(TokenizerError) {
        guard token < tokenCount else { throw .invalidToken(token, tokenCount: tokenCount) }
    }

    /// The token that encoding makes of exactly these bytes within a text; nil if there is none.
    func token(spelled bytes: ArraySlice<UInt8>) -> Token? {
        let token = bytes.withUnsafeBytes { vocabulary.token(for: $0) }
        return token.flatMap { isMarker($0) ? nil : $0 }
    }

    /// The control token of this name; nil if there is none.
    func marker(spelled bytes: ArraySlice<UInt8>) -> Token? {
        markers[Array(bytes)]
    }

    // MARK: Comparing

    /// Throws an error that names both models unless this tokenizer, the target's, has the same vocabulary as the
    /// drafter's.
    package func requireSameVocabulary(asDrafter drafter: Tokenizer) throws(VocabularyMismatchError) {
        guard vocabularyFingerprint != drafter.vocabularyFingerprint else { return }
        throw VocabularyMismatchError(target: side, drafter: drafter.side)
    }

    /// Describes this tokenizer in a mismatch error.
    package var side: VocabularyMismatchError.Side {
        VocabularyMismatchError.Side(name: path, tokenCount: tokenCount, fingerprint: vocabularyFingerprint)
    }
}

extension Tokenizer {
    /// The special tokens between which models write their thoughts, in vocabularies that have them.
    package var reasoningMarkers: Set<Token> {
        specialTokens(named: [ReasoningSplitter.begin, ReasoningSplitter.end])
    }

    /// The special tokens with these texts.
    package func specialTokens(named texts: [String]) -> Set<Token> {
        let markers = texts.map { Array($0.utf8) }
        let special = vocabulary.tokens(of: Self.specialKinds)
        return Set(special.filter { markers.contains(Array($0.bytes)) }.map(\.token))
    }
}
