package import PacelineSpeculation

/// What ``ServerClient`` asks `/v1/completions` for: a part of what it takes.
///
/// The answer lists token ids, and says how drafts fared.
package struct CompletionRequest: Encodable, Sendable, Hashable {
    package enum Prompt: Encodable, Sendable, Hashable {
        case text(String)
        case tokens([Token])

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .text(let text): try container.encode(text)
            case .tokens(let tokens): try container.encode(tokens)
            }
        }
    }

    private struct StreamOptions: Encodable, Hashable {
        var includeUsage = true

        enum CodingKeys: String, CodingKey {
            case includeUsage = "include_usage"
        }
    }

    package var prompt: Prompt
    package var maxTokens: Int?
    package var temperature: Float?
    package var topK: Int?
    package var topP: Float?
    package var minP: Float?
    package var repetitionPenalty: Float?
    package var frequencyPenalty: Float?
    package var presencePenalty: Float?
    package var repeatLastN: Int?
    /// Token ids (as strings, because they are JSON keys) and the numbers to add to their logits.
    package var logitBias: [String: Float]?
    package var stop: [String]?
    /// The JSON text of the schema that the text must satisfy.
    package var jsonSchema: String?
    /// The text's grammar in llama.cpp's notation.
    package var grammar: String?
    package var seed: UInt64?
    package var ignoreEOS: Bool?
    package var stream: Bool? {
        didSet { streamOptions = stream == true ? StreamOptions() : nil }
    }
    private var streamOptions: StreamOptions?
    private let returnsTokens = true
    private let returnsDraftFigures = true

    package init(prompt: Prompt) {
        self.prompt = prompt
    }

    enum CodingKeys: String, CodingKey {
        case prompt, temperature, stop, seed, stream, grammar
        case jsonSchema = "json_schema"
        case maxTokens = "max_tokens"
        case topK = "top_k"
        case topP = "top_p"
        case minP = "min_p"
        case repetitionPenalty = "repetition_penalty"
        case frequencyPenalty = "frequency_penalty"
        case presencePenalty = "presence_penalty"
        case repeatLastN = "repeat_last_n"
        case logitBias = "logit_bias"
        case ignoreEOS = "ignore_eos"
        case streamOptions = "stream_options"
        case returnsTokens = "return_token_ids"
        case returnsDraftFigures = "return_spec_decode"
    }
}
