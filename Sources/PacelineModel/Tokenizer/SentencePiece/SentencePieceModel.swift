import PacelineSpeculation

/// What a SentencePiece vocabulary knows beyond its tokens.
struct SentencePieceModel: Sendable {
    /// By token: the higher its score, the smaller the rank; user-defined tokens come before all others.
    let ranks: [UInt32]
    /// The token of each single byte, where the vocabulary has one.
    let byteTokens: [Token?]
    /// What stands for characters that neither a token nor bytes can spell.
    let unknown: Token?
    /// Bytes of the longest token.
    let longestToken: Int
    /// Whether text begins with a space that is not there: at its start and behind special tokens.
    let addsSpacePrefix: Bool

    /// - Parameter scores: one per token.
    init(vocabulary: Vocabulary, scores: [Double], unknown: Token?, addsSpacePrefix: Bool) {
        var ranks = scores.map { Self.rank(Float($0)) }
        // Their scores in files are the converters'; in published vocabularies they have the highest.
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

    /// Orders scores from the largest on: the bit patterns of floats of one sign are ordered as the floats are.
    private static func rank(_ score: Float) -> UInt32 {
        let bits = (score + 0).bitPattern
        return bits >> 31 == 1 ? bits : ~(bits | 1 << 31)
    }
}
