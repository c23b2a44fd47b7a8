import PacelineChat

/// The input of a request of the Responses API: a text, or items of several kinds.
enum ResponsesInput {
    /// Adds the input as messages of chat.
    static func add(_ fields: RequestFields, to chat: inout ChatDraft) throws(APIError) {
        switch fields.value("input") {
        case nil: throw fields.missing("input", "a string or an array of items")
        case .text(let text): chat.add("user", [text.string])
        case .list(let list):
            guard !list.values.isEmpty else {
                throw .invalidRequest("input is empty; it must have at least one item", param: "input")
            }
            for (place, value) in list.values.enumerated() {
                try add(item: fields.object("input[\(place)]", value), to: &chat)
            }
        case let value?: throw fields.mismatch("input", "a string or an array of items", value)
        }
    }

    private static func add(item: RequestFields, to chat: inout ChatDraft) throws(APIError) {
        switch try item.string("type") ?? "message" {
        case "message": try add(message: item, to: &chat)
        case "function_call":
            let (id, name) = (try required("call_id", of: item), try required("name", of: item))
            chat.addCall(id: id, name: name, arguments: try item.string("arguments") ?? "{}")
        case "function_call_output":
            let id = try required("call_id", of: item)
            guard let output = try MessageContent(item, "output") else {
                throw item.missing("output", "a string or an array of text parts")
            }
            chat.addResult(of: id, output.parts)
        case "reasoning": try add(reasoning: item, to: &chat)
        case "item_reference":
            let advice = "this server stores no items: send the item itself"
            throw item.unsupported("type", item.value("type") ?? .none, advice)
        default:
            let advice = "messages, function calls, their outputs and reasoning are"
            throw item.unsupported("type", item.value("type") ?? .none, advice)
        }
    }

    private static func add(message: RequestFields, to chat: inout ChatDraft) throws(APIError) {
        let role = try required("role", of: message)
        guard ["system", "developer", "user", "assistant"].contains(role) else {
            throw message.mismatch("role", "system, developer, user or assistant", message.value("role") ?? .none)
        }
        guard let content = try MessageContent(message, "content") else {
            throw message.missing("content", "a string or an array of text parts")
        }
        chat.add(role, content.parts)
    }

    /// Thoughts of an earlier answer. What is encrypted came from another server, and says nothing here.
    private static func add(reasoning: RequestFields, to chat: inout ChatDraft) throws(APIError) {
        var texts: [String] = []
        for (place, value) in (try reasoning.array("content", of: "parts") ?? []).enumerated() {
            texts += [try reasoning.object("content[\(place)]", value).string("text")].compactMap(\.self)
        }
        if !texts.isEmpty { chat.addReasoning(texts.joined(separator: "\n")) }
    }

    private static func required(_ name: String, of fields: RequestFields) throws(APIError) -> String {
        guard let value = try fields.string(name) else { throw fields.missing(name, "a string") }
        return value
    }
}
