package import PacelineSpeculation

/// A prompt as text or as token ids; in JSON also an array of one of them.
package enum CompletionPrompt: Sendable, Hashable {
    case text(String)
    case tokens([Token])
}

extension CompletionPrompt: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let text = try? container.decode(String.self) {
            self = .text(text)
        } else if let tokens = try? container.decode([Token].self) {
            self = .tokens(tokens)
        } else if let texts = try? container.decode([String].self), texts.count == 1 {
            self = .text(texts[0])
        } else if let lists = try? container.decode([[Token]].self), lists.count == 1 {
            self = .tokens(lists[0])
        } else {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(
                    codingPath: decoder.codingPath,
                    debugDescription:
                        "must be one string or one array of token ids (several prompts need several requests)"
                )
            )
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .text(let text): try container.encode(text)
        case .tokens(let tokens): try container.encode(tokens)
        }
    }
}
