package import PacelineCluster
package import PacelineSpeculation

/// What ``ServerClient`` reads of a chunk of a streamed completion.
///
/// The choices of successive chunks add up to the whole; the last chunk has no choices, and the figures.
package struct Completion: Decodable, Sendable, Hashable {
    package struct Choice: Decodable, Sendable, Hashable {
        package var text: String
        package var tokens: [Token]?
        package var finishReason: FinishReason?

        enum CodingKeys: String, CodingKey {
            case text
            case tokens = "token_ids"
            case finishReason = "finish_reason"
        }
    }

    package var id: String
    package var model: String
    package var choices: [Choice]
    package var seed: UInt64?
    package var usage: TokenUsage?
    package var timings: GenerationTimings?
    package var specDecode: SpeculationFigures?
    package var workers: [WorkerContribution]?

    enum CodingKeys: String, CodingKey {
        case id, model, choices, seed, usage, timings, workers
        case specDecode = "spec_decode"
    }
}

/// Token counts of one request, with OpenAI's names.
package struct TokenUsage: Codable, Sendable, Hashable {
    package var promptTokens: Int
    package var completionTokens: Int
    package var totalTokens: Int

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
    /// Prompt tokens that were in the cache already, and those that were computed.
    package var cacheN: Int
    package var promptN: Int
    /// From the request's arrival to its first token.
    package var promptMS: Double
    package var predictedN: Int
    /// From the first token to the last.
    package var predictedMS: Double
    /// Tokens after the first per second of `predictedMS`; 0 without a second token.
    package var predictedPerSecond: Double
    /// Drafted tokens that were verified.
    package var draftN: Int
    package var draftNAccepted: Int

    enum CodingKeys: String, CodingKey {
        case loadMS = "load_ms"
        case cacheN = "cache_n"
        case promptN = "prompt_n"
        case promptMS = "prompt_ms"
        case predictedN = "predicted_n"
        case predictedMS = "predicted_ms"
        case predictedPerSecond = "predicted_per_second"
        case draftN = "draft_n"
        case draftNAccepted = "draft_n_accepted"
    }
}

/// In JSON a reason is its name: `stop`, `length` or `cancelled`.
extension FinishReason: Codable {}
