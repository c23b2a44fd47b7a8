import PacelineChat

/// A request for chat that another API's request becomes.
struct ChatDraft: Sendable {
    struct Message: Sendable {
        let role: String
        var parts: [String]?
        var reasoning: String?
        var calls: [JSONValue] = []
        var callID: String?
        var name: String?

        var json: JSONValue {
            var fields: [(name: String, value: JSONValue)] = [("role", .string(role))]
            let parts = parts?.map { JSONValue.object([("type", "text"), ("text", .string($0))]) }
            fields.append(("content", parts.map { .array($0) } ?? .null))
            if let reasoning { fields.append(("reasoning_content", .string(reasoning))) }
            if !calls.isEmpty { fields.append(("tool_calls", .array(calls))) }
            if let callID { fields.append(("tool_call_id", .string(callID))) }
            if let name { fields.append(("name", .string(name))) }
            return .object(fields)
        }
    }

    private(set) var messages: [Message] = []
    private(set) var fields: [(name: String, value: JSONValue)] = []
    /// The tools that were called, by the ids of the calls.
    private var called: [String: String] = [:]

    var json: JSONValue { .object([("messages", .array(messages.map(\.json)))] + fields) }

    mutating func set(_ name: String, _ value: JSONValue) {
        fields.append((name, value))
    }

    /// Passes fields on that have the same meaning in chat.
    mutating func pass(_ names: [String], of request: RequestFields) {
        for name in names { pass(name, of: request) }
    }

    /// Passes a field on under another name.
    mutating func pass(_ name: String, as chatName: String? = nil, of request: RequestFields) {
        if let value = request.value(name) { set(chatName ?? name, .verbatim(value)) }
    }

    // MARK: Messages

    mutating func add(_ role: String, _ parts: [String]) {
        // What an assistant said and what it called then are one message.
        if role == "assistant", let last = messages.indices.last, messages[last].isOpen {
            messages[last].parts = (messages[last].parts ?? []) + parts
        } else {
            messages.append(Message(role: role, parts: parts))
        }
    }

    mutating func addCall(id: String, name: String, arguments: String) {
        called[id] = name
        let function: JSONValue = ["name": .string(name), "arguments": .string(arguments)]
        assistant { $0.calls.append(["id": .string(id), "type": "function", "function": function]) }
    }

    mutating func addReasoning(_ text: String) {
        // Thoughts begin a message.
        if let last = messages.last, last.role == "assistant", last.parts != nil || !last.calls.isEmpty {
            messages.append(Message(role: "assistant"))
        }
        assistant { $0.reasoning = ($0.reasoning.map { $0 + "\n" } ?? "") + text }
    }

    mutating func addResult(of id: String, _ parts: [String]) {
        messages.append(Message(role: "tool", parts: parts, callID: id, name: called[id]))
    }

    private mutating func assistant(_ change: (inout Message) -> Void) {
        if messages.last?.role != "assistant" { messages.append(Message(role: "assistant")) }
        change(&messages[messages.count - 1])
    }

    /// Fields that both chat and other APIs' requests may have here, with the names of vLLM and llama.cpp.
    static let extensions = [
        "seed", "min_p", "repetition_penalty", "repeat_penalty", "repeat_last_n", "frequency_penalty",
        "presence_penalty", "logit_bias", "min_tokens", "ignore_eos", "stop_token_ids", "sse_ping_interval",
        "speculative", "speculative.n_max", "cache_salt", "prediction",
    ]
}

extension ChatDraft.Message {
    /// Whether more of the same message may come.
    fileprivate var isOpen: Bool { role == "assistant" && parts == nil && calls.isEmpty }
}

extension JSONValue {
    /// A client's value, as it was read.
    static func verbatim(_ value: TemplateValue) -> JSONValue { .text(value.json ?? "null") }
}
