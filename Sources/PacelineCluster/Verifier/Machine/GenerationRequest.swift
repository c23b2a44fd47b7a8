package import PacelineModel
package import PacelineSpeculation

/// What a client asks of a verifier.
package struct GenerationRequest: Sendable {
    /// At least one token.
    package var prompt: [Token]
    /// Tokens that an earlier request with the same fields generated: this one goes on behind them. They count as
    /// generated everywhere, and are not emitted again.
    package var generated: [Token] = []
    /// Sampling parameters and seed: together with the target and the prompt they determine every token.
    package var sampling: SamplingParameters
    /// What the text must be; nil for anything. A part of the law, as the sampling parameters are.
    package var constraint: Constraint?
    /// Tokens to generate at most, ``generated`` included; the context may end the request earlier.
    package var maximumTokens: Int
    /// Until so many tokens are generated, no stop token can be chosen and no stop string ends the request.
    package var minimumTokens = 0
    /// Tokens that end the request when the target emits them. They are emitted as the last token, and carry no text.
    package var stopTokens: Set<Token>
    /// Makes text of the tokens and looks for stop strings; nil where the client wants tokens only.
    package var text: (any TextAssembling)?
    /// Which log-probabilities the client wants; nil for none.
    package var logProbabilities: LogProbabilityRequest?
    /// Drafted nodes of one round at most; 0 for plain decoding, nil for no limit. It changes no token.
    package var draftLimit: Int?
    /// Who asks. Fairness goes by it, and so does the sharing of prefixes.
    package var tenant = Tenant.anonymous
    /// Only requests of one tenant with the same salt share prefixes.
    package var cacheSalt: String?
    /// What others call it; nil if nobody does.
    package var name: RequestName?
    /// What the client expects the answer to be, to draft from. It changes no token.
    package var prediction: [Token] = []

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

/// Which log-probabilities a client wants beside its tokens: of the raw softmax of the target's logits.
package struct LogProbabilityRequest: Sendable, Hashable {
    /// The largest ``top``.
    package static let limit = 20

    /// How many of the most probable tokens to list at each position: 0 … ``limit``.
    package var top: Int
    /// Whether the prompt's tokens are wanted too.
    package var includesPrompt: Bool

    package init(top: Int, includesPrompt: Bool = false) {
        self.top = top
        self.includesPrompt = includesPrompt
    }
}

/// Who a request comes from: an API key's owner, for example.
package struct Tenant: Hashable, Sendable {
    /// All requests that say nothing about where they come from.
    package static let anonymous = Tenant(rawValue: "")

    package let rawValue: String

    package init(rawValue: String) {
        self.rawValue = rawValue
    }
}
