import PacelineChat

/// Which calls of tools an answer may have: `tool_choice` and `parallel_tool_calls`.
struct ToolOptions: Sendable, Equatable {
    enum Choice: Sendable, Equatable {
        /// The model decides.
        case auto
        /// No call: what looks like one is text.
        case none
        /// At least one call, of any tool.
        case required
        /// A call of this tool.
        case named(String)
    }

    var choice: Choice
    /// Whether there may be several calls.
    var areParallel: Bool

    init(_ fields: RequestFields, tools: TemplateValue?) throws(APIError) {
        areParallel = try fields.bool("parallel_tool_calls") ?? true
        choice = try Self.choice(fields)
        guard isForced else { return }
        guard let tools else {
            throw .invalidRequest("tool_choice asks for a call, but the request has no tools", param: "tool_choice")
        }
        if case .named(let name) = choice, !ToolDescriptions(tools).contains(name) {
            throw .invalidRequest("tool_choice names \(name.prefix(80)), which is none of tools", param: "tool_choice")
        }
    }

    /// Whether the answer must be a call.
    var isForced: Bool { choice != .auto && choice != .none }

    private static func choice(_ fields: RequestFields) throws(APIError) -> Choice {
        switch fields.value("tool_choice") {
        case nil, .text("auto"): return .auto
        case .text("none"): return .none
        case .text("required"): return .required
        case .mapping?:
            guard let choice = try fields.object("tool_choice"), choice.value("type") == .text("function"),
                let name = try choice.object("function")?.string("name")
            else {
                let value = fields.value("tool_choice") ?? .none
                throw fields.mismatch("tool_choice", "{\"type\": \"function\", \"function\": {\"name\": …}}", value)
            }
            return .named(name)
        case let value?:
            throw fields.mismatch("tool_choice", "\"auto\", \"none\", \"required\" or a function", value)
        }
    }

    /// The tools as the client wrote them, since templates print them; nil for none.
    static func tools(_ fields: RequestFields) throws(APIError) -> TemplateValue? {
        guard let values = try fields.array("tools", of: "tools"), !values.isEmpty else { return nil }
        for (place, value) in values.enumerated() {
            let tool = try fields.object("tools[\(place)]", value)
            guard let type = tool.value("type"), type == .text("function") else {
                throw tool.mismatch("type", "\"function\"", tool.value("type") ?? .none)
            }
            guard let function = try tool.object("function") else { throw tool.missing("function", "an object") }
            guard try function.string("name") != nil else { throw function.missing("name", "a string") }
            _ = try function.bool("strict")
            _ = function.ordered
        }
        return .list(values)
    }
}
