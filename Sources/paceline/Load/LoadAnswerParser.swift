import Foundation
import NIOCore
import PacelineLoad
import PacelineServer

/// Reads the streamed answer of any server with OpenAI's API.
struct LoadAnswerParser {
    enum Part {
        case text(String)
        case usage(AnswerUsage)
        /// The server gave up, with this message.
        case failed(String)
        /// `[DONE]`.
        case done
    }

    private struct Chunk: Decodable {
        struct Choice: Decodable {
            struct Delta: Decodable {
                var content: String?
                var reasoningContent: String?
                var reasoning: String?

                enum CodingKeys: String, CodingKey {
                    case content, reasoning
                    case reasoningContent = "reasoning_content"
                }
            }

            var text: String?
            var delta: Delta?

            var allText: String {
                [text, delta?.reasoningContent ?? delta?.reasoning, delta?.content].compactMap(\.self).joined()
            }
        }

        struct Usage: Decodable {
            var promptTokens: Int?
            var completionTokens: Int?

            enum CodingKeys: String, CodingKey {
                case promptTokens = "prompt_tokens"
                case completionTokens = "completion_tokens"
            }
        }

        struct Timings: Decodable {
            var drafted: Int?
            var accepted: Int?

            enum CodingKeys: String, CodingKey {
                case drafted = "draft_n"
                case accepted = "draft_n_accepted"
            }
        }

        struct Failure: Decodable {
            var message: String?
        }

        var choices: [Choice]?
        var usage: Usage?
        var timings: Timings?
        var error: Failure?
    }

    private var events = EventStream.Parser()
    private let decoder = JSONDecoder()

    /// - Throws: what `EventStream.Parser` and the decoder throw for something else than a stream of chunks.
    mutating func take(_ bytes: ByteBuffer) throws -> [Part] {
        try events.append(bytes.readableBytesView).flatMap { try parts(of: $0) }
    }

    private func parts(of event: [UInt8]) throws -> [Part] {
        guard event != EventStream.done else { return [.done] }
        let chunk = try decoder.decode(Chunk.self, from: Data(event))
        if let error = chunk.error { return [.failed(error.message ?? "no reason is given")] }
        var parts: [Part] = []
        let text = (chunk.choices ?? []).map(\.allText).joined()
        if !text.isEmpty { parts.append(.text(text)) }
        if let usage = chunk.usage, let output = usage.completionTokens {
            let figures = AnswerUsage(
                promptTokens: usage.promptTokens ?? 0,
                outputTokens: output,
                draftedTokens: chunk.timings?.drafted,
                acceptedTokens: chunk.timings?.accepted
            )
            parts.append(.usage(figures))
        }
        return parts
    }
}
