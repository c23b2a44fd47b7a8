import NIOCore
import PacelineChat

/// A request of Anthropic's Messages API as one for chat.
struct MessagesRequest: Sendable {
    private(set) var chat = ChatDraft()
    /// What the API calls the fields of chat.
    private(set) var names = FieldNames.messages(format: "output_config.format")

    /// - Parameter counts: whether only the prompt's tokens are asked for.
    init(_ request: APIRequest, counts: Bool = false) throws(APIError) {
        let fields = try RequestFields(body: request.body)
        try Self.refuseOthers(fields)
        if let system = try MessageContent(fields, "system") { chat.add("system", system.parts) }
        try MessagesInput.add(fields, to: &chat)
        chat.pass("model", of: fields)
        try setTools(fields)
        try setThinking(fields)
        if !counts { try setGeneration(fields) }
    }

    private static func refuseOthers(_ fields: RequestFields) throws(APIError) {
        for name in ["container", "context_management"] {
            if let value = fields.value(name) { throw fields.unsupported(name, value, "leave it out") }
        }
        for (place, value) in (try fields.array("mcp_servers", of: "servers") ?? []).enumerated() {
            throw fields.unsupported("mcp_servers[\(place)]", value, "call the server's tools yourself")
        }
    }

    private mutating func setGeneration(_ fields: RequestFields) throws(APIError) {
        let limit = try fields.integer("max_tokens", in: 1...Int.max, "a whole number of at least 1")
        guard let limit else { throw fields.missing("max_tokens", "a whole number of at least 1") }
        chat.set("max_completion_tokens", .int(limit))
        chat.pass("stop_sequences", as: "stop", of: fields)
        chat.pass(["temperature", "top_p", "top_k", "stream"] + ChatDraft.extensions, of: fields)
        if try fields.bool("stream") == true {
            chat.set("stream_options", ["include_usage": true, "continuous_usage_stats": true])
        }
        try setFormat(fields)
    }

    /// Output that is held to a schema.
    private mutating func setFormat(_ fields: RequestFields) throws(APIError) {
        var format = try fields.object("output_format")
        if let newer = try fields.object("output_config")?.object("format") { format = newer }
        guard let format else { return }
        guard format.value("type") == .text("json_schema"), let schema = format.value("schema") else {
            throw format.mismatch("type", "\"json_schema\", with a schema", format.value("type") ?? .none)
        }
        names = .messages(format: format.path)
        chat.set(
            "response_format",
            ["type": "json_schema", "json_schema": ["name": "output", "schema": .verbatim(schema), "strict": true]]
        )
    }

    /// Templates that can leave thoughts out know the variable by this name.
    private mutating func setThinking(_ fields: RequestFields) throws(APIError) {
        guard let thinking = try fields.object("thinking") else {
            return chat.pass("chat_template_kwargs", of: fields)
        }
        switch try thinking.string("type") {
        case "enabled"?, "adaptive"?: chat.set("chat_template_kwargs", ["enable_thinking": true])
        case "disabled"?: chat.set("chat_template_kwargs", ["enable_thinking": false])
        default: throw thinking.mismatch("type", "enabled, adaptive or disabled", thinking.value("type") ?? .none)
        }
    }

    // MARK: Tools

    private mutating func setTools(_ fields: RequestFields) throws(APIError) {
        var tools: [JSONValue] = []
        for (place, value) in (try fields.array("tools", of: "tools") ?? []).enumerated() {
            tools.append(try Self.tool(fields.object("tools[\(place)]", value)))
        }
        if !tools.isEmpty { chat.set("tools", .array(tools)) }
        guard let choice = try fields.object("tool_choice") else { return }
        switch try choice.string("type") {
        case "auto"?: break
        case "none"?: chat.set("tool_choice", "none")
        case "any"?: chat.set("tool_choice", "required")
        case "tool"?:
            guard let name = try choice.string("name") else { throw choice.missing("name", "a string") }
            chat.set("tool_choice", ["type": "function", "function": ["name": .string(name)]])
        default: throw choice.mismatch("type", "auto, any, tool or none", choice.value("type") ?? .none)
        }
        if try choice.bool("disable_parallel_tool_use") == true { chat.set("parallel_tool_calls", false) }
    }

    private static func tool(_ tool: RequestFields) throws(APIError) -> JSONValue {
        if let type = try tool.string("type"), type != "custom" {
            throw tool.unsupported("type", .text(ChatText(type)), "only tools that the client runs are")
        }
        guard try tool.string("name") != nil else { throw tool.missing("name", "a string") }
        guard tool.value("input_schema") != nil else { throw tool.missing("input_schema", "an object") }
        let names = [
            ("name", "name"), ("description", "description"), ("input_schema", "parameters"), ("strict", "strict"),
        ]
        let function = names.compactMap { own, chat in
            tool.value(own).map { (name: chat, value: JSONValue.verbatim($0)) }
        }
        return ["type": "function", "function": .object(function)]
    }
}
