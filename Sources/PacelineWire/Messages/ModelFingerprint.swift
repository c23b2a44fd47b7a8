/// Identifies what a token id means, which must be the same for a drafter and its target.
package struct ModelFingerprint: Sendable, Equatable {
    /// The real tokens: all of a vocabulary except its padding.
    package struct Tokens: Sendable, Equatable {
        /// SHA-256 over the tokens, 32 bytes.
        package var hash: [UInt8]
        /// The number of tokens; all ids are smaller.
        package var count: Int

        package init(hash: [UInt8], count: Int) {
            self.hash = hash
            self.count = count
        }
    }

    /// SHA-256 over the tokenizer, 32 bytes. Version 1 of the protocol compares this and the vocabulary size.
    package var tokenizerHash: [UInt8]
    /// Rows of the vocabulary, padding included.
    package var vocabularySize: Int
    /// Later versions compare these; nil from a peer that speaks only version 1.
    package var tokens: Tokens?
    /// A label for people, never compared.
    package var model: String

    package init(tokenizerHash: [UInt8], vocabularySize: Int, tokens: Tokens?, model: String) {
        self.tokenizerHash = tokenizerHash
        self.vocabularySize = vocabularySize
        self.tokens = tokens
        self.model = model
    }

    /// The number of real tokens if known, else of all rows.
    package var tokenCount: Int { tokens?.count ?? vocabularySize }

    /// The bound on token ids between peers that speak `version`.
    package func tokenBound(version: Int) -> Int {
        version < 2 ? vocabularySize : tokenCount
    }

    /// Whether a token id means the same to both, as far as peers that speak `version` can tell.
    package func sharesTokens(with other: ModelFingerprint, version: Int) -> Bool {
        guard version < 2 else { return tokens != nil && tokens == other.tokens }
        return tokenizerHash == other.tokenizerHash && vocabularySize == other.vocabularySize
    }
}
