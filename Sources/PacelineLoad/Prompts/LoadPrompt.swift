import FoundationEssentials

/// What a request of a load test asks for.
package enum LoadPrompt: Sendable, Hashable {
    case text(String)
    /// A conversation in the form of OpenAI's API.
    case messages([JSONContent])
}

/// The prompts of a file of JSON lines.
package struct LoadDataset: Sendable {
    private struct Line: Decodable {
        var prompt: String?
        var messages: [JSONContent]?
        var turns: [String]?
    }

    /// At least one.
    package let prompts: [LoadPrompt]

    /// Reads a file: each line that is not empty is an object with `prompt` (a string), `messages` (OpenAI's form) or
    /// `turns` (Spec-Bench's form, of which the first counts). Other fields mean nothing here.
    ///
    /// - Throws: ``LoadDatasetError``.
    package init(_ text: String) throws(LoadDatasetError) {
        var prompts: [LoadPrompt] = []
        // By bytes: a line end of Windows is one character, and JSON takes its first half for white space.
        let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, bytes) in lines.enumerated() {
            let line = String(Substring(bytes))
            guard !line.allSatisfy(\.isWhitespace) else { continue }
            guard let prompt = Self.prompt(line) else { throw .malformed(line: index + 1) }
            prompts.append(prompt)
        }
        guard !prompts.isEmpty else { throw .empty }
        self.prompts = prompts
    }

    private static func prompt(_ line: String) -> LoadPrompt? {
        guard let line = try? JSONDecoder().decode(Line.self, from: Data(line.utf8)) else { return nil }
        if let messages = line.messages, !messages.isEmpty { return .messages(messages) }
        return (line.prompt ?? line.turns?.first).map { .text($0) }
    }

    /// The prompt of a request; all are used before one comes again.
    package func prompt(at ordinal: Int) -> LoadPrompt {
        prompts[ordinal % prompts.count]
    }

    /// Whether some are conversations, which only the chat endpoint takes.
    package var hasConversations: Bool {
        prompts.contains { if case .messages = $0 { true } else { false } }
    }
}

/// Why a file is no data set.
package enum LoadDatasetError: Error, Sendable, Hashable, CustomStringConvertible {
    case malformed(line: Int)
    case empty

    package var description: String {
        switch self {
        case .malformed(let line):
            "line \(line) is no prompt; each line must be a JSON object with \"prompt\" (a string), \"messages\" or "
                + "\"turns\" (an array of strings)"
        case .empty: "it has no prompts; write one on each line"
        }
    }
}

/// Any JSON, kept to be sent on.
package indirect enum JSONContent: Codable, Sendable, Hashable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSONContent])
    case object([String: JSONContent])

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONContent].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONContent].self))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}
