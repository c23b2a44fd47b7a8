/// What a drafter and its target must have in common: the meaning of a token id.
package struct ModelFingerprint: Sendable, Equatable {
    /// SHA-256 over the tokenizer, 32 bytes.
    package var tokenizerHash: [UInt8]
    package var vocabularySize: Int
    /// A label for people, never compared.
    package var model: String

    package init(tokenizerHash: [UInt8], vocabularySize: Int, model: String) {
        self.tokenizerHash = tokenizerHash
        self.vocabularySize = vocabularySize
        self.model = model
    }
}
