/// How a request's next token is chosen from the target's logits. Part of every request, and known to every worker.
///
/// Steps in order: logit bias; repetition, frequency and presence penalties; temperature; top-k; top-p; min-p; and the
/// choice itself, with noise keyed by (`seed`, absolute position). All penalties consider the last `repeatLastN` tokens
/// of the sequence, whether they came from the prompt or were generated. The distribution thus depends only on the
/// tokens: submitting a prompt again together with the text generated so far continues the same text.
package struct SamplingParameters: Sendable, Hashable {
    /// A number added to one token's logit.
    package struct LogitBias: Sendable, Hashable {
        package var token: Token
        package var bias: Float

        package init(token: Token, bias: Float) {
            self.token = token
            self.bias = bias
        }
    }

    /// 0 always takes the most probable token.
    package var temperature: Float
    /// Keep only the `topK` most probable tokens; 0 keeps all.
    package var topK: Int
    /// Keep the smallest set of most probable tokens whose probabilities sum to at least this; 1 keeps all.
    package var topP: Float
    /// Keep tokens at least this probable relative to the most probable one; 0 keeps all.
    package var minP: Float
    /// Divides positive logits of repeated tokens and multiplies negative ones (CTRL, arXiv 1909.05858); 1 is neutral.
    package var repetitionPenalty: Float
    /// Subtracted from a token's logit once per occurrence; 0 is neutral.
    package var frequencyPenalty: Float
    /// Subtracted from a token's logit if it occurs at all; 0 is neutral.
    package var presencePenalty: Float
    /// How many of the latest tokens the penalties consider; -1 for the whole sequence, 0 for none.
    package var repeatLastN: Int
    /// After validation: sorted by token, each token at most once.
    package var logitBias: [LogitBias]
    package var seed: UInt64

    /// By default, plain sampling from the target's distribution.
    package init(
        temperature: Float = 1,
        topK: Int = 0,
        topP: Float = 1,
        minP: Float = 0,
        repetitionPenalty: Float = 1,
        frequencyPenalty: Float = 0,
        presencePenalty: Float = 0,
        repeatLastN: Int = 64,
        logitBias: [LogitBias] = [],
        seed: UInt64 = 0
    ) {
        self.temperature = temperature
        self.topK = topK
        self.topP = topP
        self.minP = minP
        self.repetitionPenalty = repetitionPenalty
        self.frequencyPenalty = frequencyPenalty
        self.presencePenalty = presencePenalty
        self.repeatLastN = repeatLastN
        self.logitBias = logitBias
        self.seed = seed
    }

    /// The most probable token, always.
    package static let greedy = SamplingParameters(temperature: 0)

    /// Whether the largest logit always wins, so that the choice needs no noise.
    package var isGreedy: Bool { temperature == 0 || topK == 1 }

    /// Whether earlier tokens change the logits.
    package var hasPenalties: Bool {
        repeatLastN != 0 && (repetitionPenalty != 1 || frequencyPenalty != 0 || presencePenalty != 0)
    }
}
