import PacelineChat
import PacelineSpeculation

/// The fields that requests for chat and for completions share: how tokens are chosen, when the text ends, and how the
/// answer is sent.
struct GenerationOptions: Sendable {
    /// The most choices for one prompt.
    static let choiceLimit = ServedModel.choiceLimit

    /// The seed is still open; see ``seed``.
    var sampling: SamplingParameters
    /// nil to draw one.
    var seed: UInt64?
    /// nil for the endpoint's default.
    var maximumTokens: Int?
    var minimumTokens: Int
    var stops: [String]
    var stopTokens: [Token]
    /// Whether generation continues past the tokens that end a text.
    var ignoresEnd: Bool
    /// Choices for each prompt.
    var choices: Int
    var stream: StreamOptions
    /// What the client expects the text to be.
    var prediction: String?
    var draftLimit: Int?
    var cacheSalt: String?
    /// What the text must be; nil for anything.
    var constraint: RequestedConstraint?
    var resume: ResumePoint?
    /// Whether the answer lists token ids.
    var returnsTokens: Bool
    /// Whether the answer says how drafts fared, and which workers made them.
    var returnsDraftFigures: Bool

    /// - Parameter vocabularySize: token ids must be below it.
    init(_ fields: RequestFields, vocabularySize: Int) throws(APIError) {
        sampling = try Self.sampling(fields, vocabularySize: vocabularySize)
        seed = try Self.seed(fields)
        maximumTokens = try Self.maximumTokens(fields)
        minimumTokens = try Self.minimumTokens(fields, maximum: maximumTokens)
        stops = try StopStrings(fields).strings
        stopTokens = try Self.tokens(fields, "stop_token_ids", vocabularySize: vocabularySize) ?? []
        ignoresEnd = try fields.bool("ignore_eos") ?? false
        choices = try fields.integer("n", in: 1...Self.choiceLimit) ?? 1
        stream = try StreamOptions(fields)
        prediction = try Self.prediction(fields)
        draftLimit = try Self.draftLimit(fields)
        cacheSalt = try Self.cacheSalt(fields)
        constraint = try Self.constraint(fields)
        if let point = try fields.object("resume") { resume = try ResumePoint(point, vocabularySize: vocabularySize) }
        returnsTokens = try fields.bool("return_token_ids") ?? false
        returnsDraftFigures = try fields.bool("return_spec_decode") ?? false
        if resume != nil, seed == nil, !sampling.isGreedy {
            throw .invalidRequest("resume goes on with an answer, so it needs that answer's seed", param: "seed")
        }
    }

    /// Throws if no token may be generated.
    func requireRoom() throws(APIError) {
        guard maximumTokens == 0 else { return }
        throw .invalidRequest(
            "max_tokens must be at least 1, not 0; completions may have 0 with echo",
            param: "max_tokens"
        )
    }

    /// Token ids, each in the vocabulary.
    static func tokens(
        _ fields: RequestFields,
        _ name: String,
        vocabularySize: Int
    ) throws(APIError) -> [Token]? {
        let tokens = try fields.tokens(name)
        for (place, token) in (tokens ?? []).enumerated() where Int(token) >= vocabularySize {
            throw .invalidRequest(
                "\(fields.path(of: name)) has token \(token), but the vocabulary has \(vocabularySize) tokens",
                param: fields.path(of: "\(name)[\(place)]")
            )
        }
        return tokens
    }

    /// `max_completion_tokens` is the newer name of `max_tokens`, `n_predict` that of llama.cpp; -1 sets no limit.
    private static func maximumTokens(_ fields: RequestFields) throws(APIError) -> Int? {
        var limit: Int?
        for name in ["n_predict", "max_tokens", "max_completion_tokens"] {
            let expected = "a whole number of at least 1"
            guard let value = try fields.integer(name, in: -1...Int.max, expected) else { continue }
            limit = value == -1 ? nil : value
        }
        return limit
    }

    private static func minimumTokens(_ fields: RequestFields, maximum: Int?) throws(APIError) -> Int {
        let minimum = try fields.integer("min_tokens", in: 0...Int.max) ?? 0
        if let maximum, minimum > maximum {
            throw .invalidRequest(
                "min_tokens is \(minimum), more than the \(maximum) tokens that may be generated",
                param: "min_tokens"
            )
        }
        return minimum
    }

    /// OpenAI's "predicted output".
    private static func prediction(_ fields: RequestFields) throws(APIError) -> String? {
        guard let prediction = try fields.object("prediction") else { return nil }
        guard let type = prediction.value("type"), type == .text("content") else {
            let value = prediction.value("type") ?? .none
            throw prediction.mismatch("type", "\"content\"", value)
        }
        guard let content = try MessageContent(prediction, "content") else {
            throw prediction.missing("content", "a string or an array of text parts")
        }
        return content.joined
    }

    /// llama.cpp's `speculative.n_max`, as one name or as an object.
    private static func draftLimit(_ fields: RequestFields) throws(APIError) -> Int? {
        if let limit = try fields.integer("speculative.n_max", in: 0...Int.max) { return limit }
        return try fields.object("speculative")?.integer("n_max", in: 0...Int.max)
    }

    private static func cacheSalt(_ fields: RequestFields) throws(APIError) -> String? {
        guard let salt = try fields.string("cache_salt") else { return nil }
        guard (1...256).contains(salt.utf8.count) else {
            throw .invalidRequest(
                "cache_salt must have 1 to 256 bytes, not \(salt.utf8.count)",
                param: "cache_salt"
            )
        }
        return salt
    }
}

/// How an answer is sent.
struct StreamOptions: Sendable, Equatable {
    /// Whether the text is sent as server-sent events while it is generated.
    var isStreamed: Bool
    /// Whether the stream ends with the token counts.
    var includesUsage: Bool
    /// Whether every chunk has the token counts so far, too.
    var hasContinuousUsage: Bool
    /// The longest silence in a stream; nil for the server's own, zero for any.
    var pingInterval: Duration?

    init(_ fields: RequestFields) throws(APIError) {
        isStreamed = try fields.bool("stream") ?? false
        let options = try fields.object("stream_options")
        includesUsage = try options?.bool("include_usage") ?? false
        _ = options?.value("include_obfuscation")
        hasContinuousUsage = try options?.bool("continuous_usage_stats") == true && includesUsage
        let name = "sse_ping_interval"
        guard let seconds = try fields.number(name) else { return }
        guard seconds <= 3600 else {
            throw .invalidRequest("\(name) must be at most 3600 seconds, not \(seconds)", param: name)
        }
        pingInterval = seconds > 0 ? .seconds(max(seconds, 0.1)) : .zero
    }
}
