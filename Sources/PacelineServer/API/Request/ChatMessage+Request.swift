import PacelineChat
import PacelineModel

extension ChatMessage {
    /// The messages of a request, in order.
    static func messages(_ fields: RequestFields) throws(APIError) -> [ChatMessage] {
        guard let values = try fields.array("messages", of: "messages") else {
            throw fields.missing("messages", "an array of messages")
        }
        guard !values.isEmpty else {
            throw .invalidRequest("messages is empty; it must have at least one message", param: "messages")
        }
        var messages: [ChatMessage] = []
        for (place, value) in values.enumerated() {
            messages.append(try ChatMessage(fields.object("messages[\(place)]", value)))
        }
        return messages
    }

    private init(_ fields: RequestFields) throws(APIError) {
        let role = try Self.role(fields)
        let content = try MessageContent(fields, "content")
        self.init(role, parts: content?.parts)
        // What people call themselves has no place in most templates, so a name would only sometimes change the answer.
        _ = fields.value("name")
        switch role {
        case .assistant:
            toolCalls = try Self.toolCalls(fields)
            reasoning = try fields.string("reasoning_content")
            if reasoning == nil { reasoning = try fields.string("reasoning") }
            if content == nil, let refusal = try fields.string("refusal") { parts = [refusal] }
            try Self.refuseFunctionCall(fields)
        case .tool:
            toolCallID = try fields.string("tool_call_id")
            toolName = try fields.string("name")
        case .system, .user: break
        }
        guard parts != nil || !toolCalls.isEmpty || reasoning != nil else {
            throw fields.missing("content", "a string or an array of text parts")
        }
    }

    private static func role(_ fields: RequestFields) throws(APIError) -> Role {
        guard let name = try fields.string("role") else {
            throw fields.missing("role", "system, developer, user, assistant or tool")
        }
        // OpenAI's newer name of the system role, which templates do not know.
        if name == "developer" { return .system }
        guard let role = Role(rawValue: name) else {
            let value = fields.value("role") ?? .none
            throw fields.mismatch("role", "system, developer, user, assistant or tool", value)
        }
        return role
    }

    private static func toolCalls(_ fields: RequestFields) throws(APIError) -> [ChatToolCall] {
        var calls: [ChatToolCall] = []
        for (place, value) in (try fields.array("tool_calls", of: "tool calls") ?? []).enumerated() {
            calls.append(try toolCall(fields.object("tool_calls[\(place)]", value)))
        }
        return calls
    }

    private static func toolCall(_ fields: RequestFields) throws(APIError) -> ChatToolCall {
        _ = fields.value("type")
        guard let function = try fields.object("function") else { throw fields.missing("function", "an object") }
        guard let name = try function.string("name") else { throw function.missing("name", "a string") }
        let (arguments, text) = try arguments(of: function)
        return ChatToolCall(id: try fields.string("id"), name: name, arguments: arguments, argumentText: text)
    }

    /// The arguments as an object and as text. They come as JSON in a string; some clients send the object itself.
    private static func arguments(of function: RequestFields) throws(APIError) -> (TemplateValue, String) {
        let expected = "a string with a JSON object"
        switch function.value("arguments") {
        case nil: return (.mapping(TemplateMapping()), "{}")
        case .text(let text) where text.isEmpty: return (.mapping(TemplateMapping()), "{}")
        case .text(let text):
            // Read once more, so that it may be nested as deeply as the rest of the body.
            guard let value = try? JSONReader.read(text.string), case .mapping = value else {
                throw function.mismatch("arguments", expected, .text(text))
            }
            return (value, text.string)
        case .mapping(let mapping)?:
            guard let text = TemplateValue.mapping(mapping).json else {
                throw function.mismatch("arguments", expected, .mapping(mapping))
            }
            return (.mapping(mapping), text)
        case let value?: throw function.mismatch("arguments", expected, value)
        }
    }

    private static func refuseFunctionCall(_ fields: RequestFields) throws(APIError) {
        guard let value = fields.value("function_call") else { return }
        throw fields.unsupported("function_call", value, "use tool_calls")
    }
}
