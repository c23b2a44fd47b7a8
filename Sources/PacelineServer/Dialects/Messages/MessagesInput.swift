import PacelineChat

/// The messages of a request of the Messages API, whose contents are blocks of several kinds.
enum MessagesInput {
    /// Adds the messages as those of chat. Results of tools stand in messages of the user here, and are messages of
    /// their own there.
    static func add(_ fields: RequestFields, to chat: inout ChatDraft) throws(APIError) {
        guard let values = try fields.array("messages", of: "messages") else {
            throw fields.missing("messages", "an array of messages")
        }
        guard !values.isEmpty else {
            throw .invalidRequest("messages is empty; it must have at least one message", param: "messages")
        }
        for (place, value) in values.enumerated() {
            let message = try fields.object("messages[\(place)]", value)
            let role = try message.string("role") ?? ""
            guard ["user", "assistant", "system"].contains(role) else {
                throw message.mismatch("role", "user or assistant", message.value("role") ?? .none)
            }
            try add(message, role, to: &chat)
        }
    }

    private static func add(_ message: RequestFields, _ role: String, to chat: inout ChatDraft) throws(APIError) {
        switch message.value("content") {
        case nil: throw message.missing("content", "a string or an array of blocks")
        case .text(let text): chat.add(role, [text.string])
        case .list(let list):
            var texts: [String] = []
            for (place, value) in list.values.enumerated() {
                let block = try message.object("content[\(place)]", value)
                if try block.string("type") == "text" {
                    texts.append(try required("text", of: block))
                } else {
                    flush(&texts, role, to: &chat)
                    try add(block: block, role, to: &chat)
                }
            }
            flush(&texts, role, to: &chat)
        case let value?: throw message.mismatch("content", "a string or an array of blocks", value)
        }
    }

    private static func flush(_ texts: inout [String], _ role: String, to chat: inout ChatDraft) {
        if !texts.isEmpty { chat.add(role, texts) }
        texts = []
    }

    private static func add(block: RequestFields, _ role: String, to chat: inout ChatDraft) throws(APIError) {
        switch (role, try block.string("type")) {
        case ("user", "tool_result"?):
            let content = try MessageContent(block, "content")?.parts ?? [""]
            // Templates have no mark for results that are errors; what went wrong is in the text.
            chat.addResult(of: try required("tool_use_id", of: block), content)
        case ("assistant", "tool_use"?):
            let (id, name) = (try required("id", of: block), try required("name", of: block))
            guard let input = try block.object("input") else { throw block.missing("input", "an object") }
            chat.addCall(id: id, name: name, arguments: TemplateValue.mapping(input.ordered).json ?? "{}")
        case ("assistant", "thinking"?): chat.addReasoning(try required("thinking", of: block))
        // Encrypted by another server: it says nothing here.
        case ("assistant", "redacted_thinking"?): break
        default:
            let advice = "text, tool_use and thinking of the assistant, and tool_result of the user are"
            throw block.unsupported("type", block.value("type") ?? .none, advice)
        }
    }

    private static func required(_ name: String, of fields: RequestFields) throws(APIError) -> String {
        guard let value = try fields.string(name) else { throw fields.missing(name, "a string") }
        return value
    }
}
