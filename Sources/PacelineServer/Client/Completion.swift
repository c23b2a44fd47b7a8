package import PacelineCluster
package import PacelineSpeculation

/// The answer of `/v1/completions`: whole, or one chunk of a stream.
///
/// In a stream the choices of successive chunks add up to the whole; the last chunk carries `finishReason` and the
/// figures. Beyond OpenAI's fields: the token ids, llama.cpp's `timings`, vLLM's speculative-decoding figures and what
/// each worker contributed.
package struct Completion: Codable, Sendable, Hashable {
    package struct Choice: Codable, Sendable, Hashable {
        package var index = 0
        package var text: String
        package var tokens: [Token]
        package var finishReason: FinishReason?

        package init(text: String, tokens: [Token], finishReason: FinishReason? = nil) {
            self.text = text
            self.tokens = tokens
            self.finishReason = finishReason
        }

        enum CodingKeys: String, CodingKey {
            case index, text, tokens
            case finishReason = "finish_reason"
        }

        /// An unknown reason is null rather than absent: typed clients read it in every chunk.
        package func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(index, forKey: .index)
            try container.encode(text, forKey: .text)
            try container.encode(tokens, forKey: .tokens)
            try container.encode(finishReason, forKey: .finishReason)
        }
    }

    package var id: String
    package var object = "text_completion"
    /// Seconds since 1970.
    package var created: Int
    package var model: String
    package var choices: [Choice]
    package var seed: UInt64
    package var usage: TokenUsage?
    package var timings: GenerationTimings?
    package var specDecode: SpeculationFigures?
    package var workers: [WorkerContribution]?

    package init(id: String, created: Int, model: String, choices: [Choice], seed: UInt64) {
        self.id = id
        self.created = created
        self.model = model
        self.choices = choices
        self.seed = seed
    }

    enum CodingKeys: String, CodingKey {
        case id, object, created, model, choices, seed, usage, timings, workers
        case specDecode = "spec_decode"
    }
}

/// Token counts of one request, with OpenAI's names.
package struct TokenUsage: Codable, Sendable, Hashable {
    package var promptTokens: Int
    package var completionTokens: Int
    package var totalTokens: Int

    package init(promptTokens: Int, completionTokens: Int) {
        self.promptTokens = promptTokens
        self.completionTokens = completionTokens
        totalTokens = promptTokens + completionTokens
    }

    enum CodingKeys: String, CodingKey {
        case promptTokens = "prompt_tokens"
        case completionTokens = "completion_tokens"
        case totalTokens = "total_tokens"
    }
}

/// How long the parts of one request took, with llama.cpp's names.
package struct GenerationTimings: Codable, Sendable, Hashable {
    /// From the start of the verifier process until it was ready; only `paceline generate` knows it.
    package var loadMS: Double?
    /// From the request's arrival to its first token.
    package var promptMS: Double
    /// From the first token to the last.
    package var predictedMS: Double
    /// Tokens after the first per second of `predictedMS`; 0 without a second token.
    package var predictedPerSecond: Double
    /// Drafted tokens that were verified.
    package var draftN: Int
    package var draftNAccepted: Int

    package init(
        loadMS: Double? = nil,
        promptMS: Double,
        predictedMS: Double,
        completionTokens: Int,
        speculation: SpeculationFigures
    ) {
        self.loadMS = loadMS
        self.promptMS = promptMS
        self.predictedMS = predictedMS
        predictedPerSecond = predictedMS > 0 ? Double(max(0, completionTokens - 1)) / predictedMS * 1000 : 0
        draftN = speculation.numDraftTokens
        draftNAccepted = speculation.numAcceptedTokens
    }

    enum CodingKeys: String, CodingKey {
        case loadMS = "load_ms"
        case promptMS = "prompt_ms"
        case predictedMS = "predicted_ms"
        case predictedPerSecond = "predicted_per_second"
        case draftN = "draft_n"
        case draftNAccepted = "draft_n_accepted"
    }
}
