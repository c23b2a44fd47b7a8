import PacelineChat
import PacelineSpeculation

/// The body of `POST /v1/completions`: OpenAI's fields, and others with vLLM's and llama.cpp's names.
struct CompletionBody: Sendable {
    /// The most prompts of one request.
    static let promptLimit = 256
    /// The tokens to generate where the request does not say, as at OpenAI.
    static let defaultMaximum = 16

    /// nil for the model that is served.
    var model: String?
    /// At least one.
    var prompts: [CompletionPrompt]
    var options: GenerationOptions
    /// What follows the gap that the text is to fill; nil where the text goes on behind the prompt.
    var suffix: String?
    /// Whether the answer's text begins with the prompt.
    var echoes: Bool
    /// How many of the most probable tokens to list beside each one; nil for no log-probabilities.
    var logProbabilities: Int?
    /// Whether the client wants to see the prompt alone. The pass over the prompt decides a token all the same.
    var generatesNothing = false
    /// Whether the token that begins a sequence is put before a text, where the model expects it.
    var addsSpecial: Bool

    init(_ fields: RequestFields, vocabularySize: Int) throws(APIError) {
        model = try fields.string("model")
        prompts = try CompletionPrompt.prompts(fields, vocabularySize: vocabularySize)
        options = try GenerationOptions(fields, vocabularySize: vocabularySize)
        suffix = try fields.string("suffix").flatMap { $0.isEmpty ? nil : $0 }
        echoes = try fields.bool("echo") ?? false
        logProbabilities = try Self.logProbabilities(fields)
        addsSpecial = try fields.bool("add_special_tokens") ?? true
        try UnsupportedField.refuse(UnsupportedField.completion, in: fields)
        if suffix != nil, echoes {
            throw .invalidRequest("echo and suffix exclude each other; leave one out", param: "echo")
        }
        options.maximumTokens = options.maximumTokens ?? Self.defaultMaximum
        if options.maximumTokens == 0, echoes { (generatesNothing, options.maximumTokens) = (true, 1) }
        try options.requireRoom()
    }

    /// A number; some clients send chat's `false`.
    private static func logProbabilities(_ fields: RequestFields) throws(APIError) -> Int? {
        if case .bool(false)? = fields.value("logprobs") { return nil }
        return try fields.integer("logprobs", in: 0...20)
    }
}

/// A prompt as text or as token ids.
enum CompletionPrompt: Sendable, Hashable {
    case text(String)
    case tokens([Token])

    /// The prompts of a request: one, or an array of them.
    static func prompts(_ fields: RequestFields, vocabularySize: Int) throws(APIError) -> [CompletionPrompt] {
        guard let value = fields.value("prompt") else { throw fields.missing("prompt", expected) }
        switch value {
        case .text(let text): return [.text(text.string)]
        case .list(let list):
            guard let first = list.values.first else { throw fields.mismatch("prompt", expected, value) }
            if first.wholeNumber != nil {
                return [.tokens(try GenerationOptions.tokens(fields, "prompt", vocabularySize: vocabularySize) ?? [])]
            }
            guard list.values.count <= CompletionBody.promptLimit else {
                throw .invalidRequest(
                    "prompt has \(list.values.count) prompts, but one request may have at most "
                        + "\(CompletionBody.promptLimit); send several requests",
                    param: "prompt"
                )
            }
            var prompts: [CompletionPrompt] = []
            for (place, item) in list.values.enumerated() {
                prompts.append(try prompt(item, "prompt[\(place)]", fields, vocabularySize: vocabularySize))
            }
            return prompts
        default: throw fields.mismatch("prompt", expected, value)
        }
    }

    private static let expected = "a string, an array of token ids, or an array of those"

    private static func prompt(
        _ value: TemplateValue,
        _ name: String,
        _ fields: RequestFields,
        vocabularySize: Int
    ) throws(APIError) -> CompletionPrompt {
        switch value {
        case .text(let text): return .text(text.string)
        case .list(let list):
            var tokens: [Token] = []
            for item in list.values {
                guard let token = item.tokenID else { throw fields.mismatch(name, "an array of token ids", value) }
                guard Int(token) < vocabularySize else {
                    throw .invalidRequest(
                        "\(name) has token \(token), but the vocabulary has \(vocabularySize) tokens",
                        param: name
                    )
                }
                tokens.append(token)
            }
            return .tokens(tokens)
        default: throw fields.mismatch(name, "a string or an array of token ids", value)
        }
    }
}
