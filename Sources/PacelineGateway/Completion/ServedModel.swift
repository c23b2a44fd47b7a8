package import PacelineModel

/// The target as clients know it.
package struct ServedModel: Sendable {
    /// What `/v1/models` and every answer call it.
    package let id: String
    package let tokenizer: Tokenizer
    /// Tokens that prompt and text may have together.
    package let contextLength: Int

    package init(id: String, tokenizer: Tokenizer, contextLength: Int) {
        self.id = id
        self.tokenizer = tokenizer
        self.contextLength = contextLength
    }
}
