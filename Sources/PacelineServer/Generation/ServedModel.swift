package import PacelineModel

/// The target as clients see it.
package struct ServedModel: Sendable {
    /// The model's name in `/v1/models` and in every answer.
    package let id: String
    package let tokenizer: Tokenizer
    /// The most tokens of prompt and text together.
    package let contextLength: Int

    package init(id: String, tokenizer: Tokenizer, contextLength: Int) {
        self.id = id
        self.tokenizer = tokenizer
        self.contextLength = contextLength
    }
}
