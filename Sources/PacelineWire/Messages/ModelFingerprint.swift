/// What a drafter and its target must have in common: the meaning of a token id.
package struct ModelFingerprint: Sendable, Equatable {
    /// The tokens that mean something, which is all of a vocabulary but its padding.
    package struct Tokens: Sendable, Equatable {
        /// SHA-256 over them, 32 bytes.
        package var hash: [UInt8]
        /// How many they are: their ids are smaller.
        package var count: Int

        package init(hash: [UInt8], count: Int) {
            self.hash = hash
            self.count = count
        }
    }

    /// SHA-256 over the tokenizer, 32 bytes: what version 1 of the protocol compares, with the size.
    package var tokenizerHash: [UInt8]
    /// Rows of the vocabulary, padding included.
    package var vocabularySize: Int
    /// What later versions compare; nil from a peer that speaks version 1 only.
    package var tokens: Tokens?
    /// A label for people, never compared.
    package var model: String

    package init(tokenizerHash: [UInt8], vocabularySize: Int, tokens: Tokens?, model: String) {
        self.tokenizerHash = tokenizerHash
        self.vocabularySize = vocabularySize
        self.tokens = tokens
        self.model = model
    }

    /// Tokens that mean something, as far as is known.
    package var tokenCount: Int { tokens?.count ?? vocabularySize }

    /// The bound on token ids between peers that speak `version`.
    package func tokenBound(version: Int) -> Int {
        version < 2 ? vocabularySize : tokenCount
    }

    /// Whether the same id means the same to both, as far as peers that speak `version` can tell.
    package func sharesTokens(with other: ModelFingerprint, version: Int) -> Bool {
        guard version < 2 else { return tokens != nil && tokens == other.tokens }
        return tokenizerHash == other.tokenizerHash && vocabularySize == other.vocabularySize
    }
}
