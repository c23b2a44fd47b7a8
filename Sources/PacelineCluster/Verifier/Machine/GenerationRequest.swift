package import PacelineSpeculation

/// What a client asks of a verifier.
package struct GenerationRequest: Sendable {
    /// At least one token.
    package var prompt: [Token]
    /// Sampling parameters and seed: together with the target and the prompt they determine every token.
    package var sampling: SamplingParameters
    /// Tokens to generate at most; the context may end the request earlier.
    package var maximumTokens: Int
    /// Tokens that end the request when the target emits them. They are emitted as the last token, and carry no text.
    package var stopTokens: Set<Token>
    /// Makes text of the tokens and looks for stop strings; nil where the client wants tokens only.
    package var text: (any TextAssembling)?

    package init(
        prompt: [Token],
        sampling: SamplingParameters,
        maximumTokens: Int,
        stopTokens: Set<Token> = [],
        text: (any TextAssembling)? = nil
    ) {
        self.prompt = prompt
        self.sampling = sampling
        self.maximumTokens = maximumTokens
        self.stopTokens = stopTokens
        self.text = text
    }
}
