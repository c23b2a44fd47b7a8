import Glibc
import PacelineChat
import PacelineCluster
import PacelineModel
import PacelineSpeculation

/// Answers `/v1/chat/completions`, and what clients ask about conversations without an answer.
package struct ChatService: Sendable {
    private let generations: GenerationService
    private var model: ServedModel { generations.model }

    package init(_ generations: GenerationService) {
        self.generations = generations
    }

    /// `POST /v1/chat/completions`
    ///
    /// - Throws: ``APIError`` if the request cannot be served.
    package func respond(to request: APIRequest) async throws -> APIReply {
        let record = generations.record
        defer { generations.log(record, of: request) }
        let planned = try PlannedChat(request, model: model, record: record)
        return try await generations.answer(planned.plan, planned.answer, request.tally)
    }

    /// `POST /apply-template`: the prompt that a conversation becomes.
    package func applyTemplate(_ request: APIRequest) throws -> APIReply {
        let prompt = try prompt(of: request)
        return .whole(JSONValue.object([("prompt", .string(prompt.text))]).bytes)
    }

    /// `POST /v1/chat/completions/input_tokens`: how many tokens a conversation takes.
    package func inputTokens(_ request: APIRequest) throws -> APIReply {
        let count = model.tokens(of: try prompt(of: request)).count
        let answer: JSONValue = ["object": "response.input_tokens", "input_tokens": .int(count)]
        return .whole(answer.bytes)
    }

    private func prompt(of request: APIRequest) throws -> ChatPrompt {
        let fields = try RequestFields(body: request.body)
        _ = try model.name(for: fields.string("model"))
        return try model.prompt(ChatConversation(fields))
    }
}

extension ServedModel {
    /// Renders a conversation at the present time.
    ///
    /// - Throws: ``APIError`` (400) with the template's own words if it refuses the conversation.
    func prompt(_ conversation: ChatConversation) throws(APIError) -> ChatPrompt {
        do throws(TemplateError) {
            return try renderer.render(conversation, time: time(nil))
        } catch {
            throw .invalidRequest("\(error)", param: "messages")
        }
    }

    /// The tokens of a rendered conversation. A template that begins with the token that begins sequences has done so.
    func tokens(of prompt: ChatPrompt) -> [Token] {
        tokenizer.encode(prompt, addBOS: tokenizer.prefersBOS)
    }
}
