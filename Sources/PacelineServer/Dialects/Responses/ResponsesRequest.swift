import NIOCore
import PacelineChat

/// A request of OpenAI's Responses API as one for chat.
///
/// Nothing is stored, so everything that an answer is to follow from must be in the request.
struct ResponsesRequest: Sendable {
    private(set) var chat = ChatDraft()
    /// What every answer repeats of its request.
    private(set) var echo: [(name: String, value: JSONValue)] = []

    init(_ request: APIRequest, counts: Bool = false) throws(APIError) {
        let fields = try RequestFields(body: request.body)
        try Self.refuseState(fields)
        try Self.refuseOthers(fields)
        if let instructions = try fields.string("instructions") { chat.add("system", [instructions]) }
        try ResponsesInput.add(fields, to: &chat)
        chat.pass("model", of: fields)
        // The input's last message has ended, whoever wrote it.
        chat.set("add_generation_prompt", true)
        try setTools(fields)
        try setReasoning(fields)
        if !counts { try setGeneration(fields) }
        echo = try Self.echo(fields)
    }

    // MARK: What is refused

    private static func refuseState(_ fields: RequestFields) throws(APIError) {
        let advice = "this server stores no answers: send all of the conversation in input"
        for name in ["previous_response_id", "conversation", "prompt"] {
            if let value = fields.value(name) { throw fields.unsupported(name, value, advice) }
        }
        if try fields.bool("store") == true {
            throw fields.unsupported("store", .bool(true), "this server stores no answers: leave it out or send false")
        }
        if try fields.bool("background") == true {
            throw fields.unsupported(
                "background",
                .bool(true),
                "leave it out: answers come on the request's connection"
            )
        }
    }

    private static func refuseOthers(_ fields: RequestFields) throws(APIError) {
        if let truncation = try fields.string("truncation"), truncation != "disabled" {
            throw fields.unsupported("truncation", .text(ChatText(truncation)), "shorten the input yourself")
        }
        if let count = try fields.integer("top_logprobs", in: 0...20), count > 0 {
            throw fields.unsupported("top_logprobs", .int(count), "/v1/chat/completions has log-probabilities")
        }
        for (place, value) in (try fields.array("include", of: "names") ?? []).enumerated() {
            // Thoughts are never encrypted here, so there is nothing to include.
            guard value != .text("reasoning.encrypted_content") else { continue }
            throw fields.unsupported("include[\(place)]", value, "leave it out")
        }
    }

    // MARK: Fields of chat

    private mutating func setGeneration(_ fields: RequestFields) throws(APIError) {
        let limit = try fields.integer("max_output_tokens", in: 1...Int.max, "a whole number of at least 1")
        if let limit { chat.set("max_completion_tokens", .int(limit)) }
        chat.pass(["temperature", "top_p", "top_k", "stop", "stream"] + ChatDraft.extensions, of: fields)
        if try fields.bool("stream") == true { chat.set("stream_options", ["include_usage": true]) }
        guard let format = try fields.object("text")?.object("format") else { return }
        switch try format.string("type") {
        case "json_schema"?:
            let schema: [(name: String, value: JSONValue)] = ["name", "description", "schema", "strict"].compactMap {
                name in format.value(name).map { (name, .verbatim($0)) }
            }
            chat.set("response_format", ["type": "json_schema", "json_schema": .object(schema)])
        case let type?: if type != "text" { chat.set("response_format", ["type": .string(type)]) }
        case nil: throw format.missing("type", "text, json_object or json_schema")
        }
    }

    private mutating func setReasoning(_ fields: RequestFields) throws(APIError) {
        if let effort = try fields.object("reasoning")?.string("effort") {
            chat.set("reasoning_effort", .string(effort))
        }
        chat.pass("chat_template_kwargs", of: fields)
    }

    private mutating func setTools(_ fields: RequestFields) throws(APIError) {
        var tools: [JSONValue] = []
        for (place, value) in (try fields.array("tools", of: "tools") ?? []).enumerated() {
            let tool = try fields.object("tools[\(place)]", value)
            guard let type = tool.value("type"), type == .text("function") else {
                throw tool.unsupported("type", tool.value("type") ?? .none, "only tools of the type function are")
            }
            guard try tool.string("name") != nil else { throw tool.missing("name", "a string") }
            let function = ["name", "description", "parameters", "strict"].compactMap { name in
                tool.value(name).map { (name: name, value: JSONValue.verbatim($0)) }
            }
            tools.append(["type": "function", "function": .object(function)])
        }
        if !tools.isEmpty { chat.set("tools", .array(tools)) }
        chat.pass("parallel_tool_calls", of: fields)
        switch fields.value("tool_choice") {
        case nil: break
        case .mapping?:
            let choice = try fields.object("tool_choice")
            guard let choice, choice.value("type") == .text("function"), let name = try choice.string("name") else {
                let value = fields.value("tool_choice") ?? .none
                throw fields.unsupported("tool_choice", value, "use auto, none, required or a function")
            }
            chat.set("tool_choice", ["type": "function", "function": ["name": .string(name)]])
        case let value?: chat.set("tool_choice", .verbatim(value))
        }
    }

    // MARK: What is repeated

    private static func echo(_ fields: RequestFields) throws(APIError) -> [(name: String, value: JSONValue)] {
        func value(_ name: String, _ absent: JSONValue) -> (name: String, value: JSONValue) {
            (name, fields.value(name).map { .verbatim($0) } ?? absent)
        }
        return [
            value("instructions", .null), value("max_output_tokens", .null), value("metadata", .object([])),
            value("parallel_tool_calls", true), ("previous_response_id", .null),
            value("reasoning", ["effort": .null, "summary": .null]), ("store", false), value("temperature", 1),
            value("text", ["format": ["type": "text"]]), value("tool_choice", "auto"), value("tools", .array([])),
            value("top_p", 1), ("truncation", "disabled"), value("user", .null),
        ]
    }
}
