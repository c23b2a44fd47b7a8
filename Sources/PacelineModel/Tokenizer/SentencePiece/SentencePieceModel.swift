import PacelineSpeculation

/// The data of a SentencePiece vocabulary beyond its tokens' texts.
struct SentencePieceModel: Sendable {
    /// By token: a higher score gives a lower rank; user-defined tokens come first.
    let ranks: [UInt32]
    /// The token of each single byte; nil for bytes without a token.
    let byteTokens: [Token?]
    /// The token for characters that neither a token nor byte tokens can spell.
    let unknown: Token?
    /// Length of the longest token in bytes.
    let longestToken: Int
    /// Whether encoding adds a space at the start of a text and after special tokens.
    let addsSpacePrefix: Bool

    /// - Parameter scores: one per token.
    init(vocabulary: Vocabulary, scores: [Double], unknown: Token?, addsSpacePrefix: Bool) {
        var ranks = scores.map { Self.rank(Float($0)) }
        // Converters invent scores for user-defined tokens. In published vocabularies they rank highest.
        for (token, _) in vocabulary.tokens(of: [.userDefined]) { ranks[Int(token)] = 0 }
        self.ranks = ranks
        var byteTokens = [Token?](repeating: nil, count: 256)
        for (token, bytes) in vocabulary.tokens(of: [.byte]) where bytes.count == 1 {
            byteTokens[Int(bytes[0])] = token
        }
        self.byteTokens = byteTokens
        self.unknown = unknown ?? vocabulary.tokens(of: [.unknown]).first?.token
        longestToken = vocabulary.longest
        self.addsSpacePrefix = addsSpacePrefix
    }

    /// Maps scores to ranks in descending order of score. The bit patterns of floats of one sign sort like the floats.
    private static func rank(_ score: Float) -> UInt32 {
        let bits = (score + 0).bitPattern
        return bits >> 31 == 1 ? bits : ~(bits | 1 << 31)
    }
}
