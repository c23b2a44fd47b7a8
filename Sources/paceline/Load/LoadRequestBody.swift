import PacelineLoad

/// What a load test sends: OpenAI's fields, and those of vLLM and llama-server that a test needs.
struct LoadRequestBody: Encodable {
    private struct StreamOptions: Encodable {
        let includeUsage = true

        enum CodingKeys: String, CodingKey {
            case includeUsage = "include_usage"
        }
    }

    private struct UserMessage: Encodable {
        let role = "user"
        let content: String
    }

    /// What is the same for all requests of a turn.
    struct Shared: Sendable {
        var model: String
        var api: LoadTarget.API
        var maxTokens: Int
        var temperature: Double
        /// Sent if the temperature is above 0; the request's ordinal is added.
        var seed: UInt64
        var ignoresEnd: Bool
        /// The most drafted tokens of a pass; nil leaves it to the server.
        var mostDrafted: Int?
        /// Keeps what one turn computed from another; nil outside of comparisons.
        var cacheSalt: String?
    }

    private let shared: Shared
    private let prompt: LoadPrompt
    private let ordinal: Int

    init(_ shared: Shared, prompt: LoadPrompt, ordinal: Int) {
        (self.shared, self.prompt, self.ordinal) = (shared, prompt, ordinal)
    }

    enum CodingKeys: String, CodingKey {
        case model, prompt, messages, temperature, seed, stream
        case streamOptions = "stream_options"
        case maxTokens = "max_tokens"
        case maxCompletionTokens = "max_completion_tokens"
        case ignoresEnd = "ignore_eos"
        case mostDrafted = "speculative.n_max"
        case cacheSalt = "cache_salt"
        case cachesPrompt = "cache_prompt"
    }

    func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(shared.model, forKey: .model)
        switch (shared.api, prompt) {
        case (.completions, .text(let text)): try fields.encode(text, forKey: .prompt)
        case (_, .text(let text)): try fields.encode([UserMessage(content: text)], forKey: .messages)
        case (_, .messages(let messages)): try fields.encode(messages, forKey: .messages)
        }
        try fields.encode(shared.maxTokens, forKey: shared.api == .chat ? .maxCompletionTokens : .maxTokens)
        try fields.encode(shared.temperature, forKey: .temperature)
        // Any whole number up to 2^63 - 1 is a seed everywhere.
        let seed = (shared.seed &+ UInt64(ordinal)) & UInt64(Int64.max)
        if shared.temperature > 0 { try fields.encode(seed, forKey: .seed) }
        try fields.encode(true, forKey: .stream)
        try fields.encode(StreamOptions(), forKey: .streamOptions)
        if shared.ignoresEnd { try fields.encode(true, forKey: .ignoresEnd) }
        try fields.encodeIfPresent(shared.mostDrafted, forKey: .mostDrafted)
        if let salt = shared.cacheSalt {
            try fields.encode(salt, forKey: .cacheSalt)
            try fields.encode(false, forKey: .cachesPrompt)
        }
    }
}
