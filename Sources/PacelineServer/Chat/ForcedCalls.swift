import PacelineChat
import PacelineGrammar

/// The calls that an answer has to be, as `tool_choice` asks for them.
struct ForcedCalls {
    let format: ToolCallFormat
    /// Names and schemas of the tools that may be called.
    private let tools: [(name: String, parameters: TemplateValue?)]
    /// Whether there may be several calls.
    let areParallel: Bool

    /// - Parameters:
    ///   - tools: a list of tools as OpenAI describes them.
    ///   - options: which of them must be called.
    ///   - format: how the model writes calls.
    /// - Returns: nil if no call is forced.
    init?(_ tools: TemplateValue?, _ options: ToolOptions, _ format: ToolCallFormat) {
        guard options.isForced, case .list(let items)? = tools else { return nil }
        self.format = format
        // A Llama calls one function at a time.
        areParallel = options.areParallel && format != .llama
        self.tools = items.values.compactMap { item in
            guard case .mapping(let tool) = item, case .mapping(let function)? = tool["function"],
                case .text(let name)? = function["name"]
            else { return nil }
            if case .named(let wanted) = options.choice, wanted != name.string { return nil }
            return (name.string, function["parameters"])
        }
    }

    /// One call or, if there may be several, any number of them.
    var source: GrammarSource {
        let call = GrammarSource.alternatives(tools.map(call))
        let calls = { (separator: String) in
            let more = GrammarSource.sequence([.text(separator), call])
            return GrammarSource.sequence(
                areParallel ? [call, .repetition(more, minimum: 0, maximum: nil)] : [call]
            )
        }
        return switch format {
        case .hermes, .qwenCoder: calls("\n")
        case .llama: call
        case .mistral: .sequence([.text("[TOOL_CALLS]["), calls(", "), .text("]")])
        }
    }

    private func call(name: String, parameters: TemplateValue?) -> GrammarSource {
        let quoted = TemplateValue.text(ChatText(name)).json ?? "\"\""
        let arguments = parameters?.json.map(GrammarSource.jsonSchema) ?? .jsonObject
        return switch format {
        case .hermes:
            .sequence([
                .text("<tool_call>\n{\"name\": \(quoted), \"arguments\": "), arguments, .text("}\n</tool_call>"),
            ])
        case .qwenCoder:
            .sequence(
                [.text("<tool_call>\n<function=\(name)>\n")] + Self.values(parameters)
                    + [.text("</function>\n</tool_call>")]
            )
        case .llama: .sequence([.text("{\"name\": \(quoted), \"parameters\": "), arguments, .text("}")])
        case .mistral: .sequence([.text("{\"name\": \(quoted), \"arguments\": "), arguments, .text("}")])
        }
    }

    /// Qwen3-Coder writes every parameter on lines of its own, and texts without quotation marks.
    private static func values(_ schema: TemplateValue?) -> [GrammarSource] {
        guard case .mapping(let schema)? = schema, case .mapping(let properties)? = schema["properties"] else {
            return []
        }
        var required: Set<String> = []
        if case .list(let names)? = schema["required"] {
            for case .text(let name) in names.values { required.insert(name.string) }
        }
        return properties.entries.compactMap { entry in
            guard case .text(let key) = entry.key else { return nil }
            let value = GrammarSource.sequence([
                .text("<parameter=\(key.string)>\n"), Self.value(entry.value, within: schema),
                .text("\n</parameter>\n"),
            ])
            return required.contains(key.string) ? value : .repetition(value, minimum: 0, maximum: 1)
        }
    }

    private static func value(_ schema: TemplateValue, within root: TemplateMapping) -> GrammarSource {
        if case .mapping(let fields) = schema, fields["type"] == .text("string") {
            guard case .list(let choices)? = fields["enum"] else {
                // Anything that is no end marker.
                return .regex("([^<]|<[^/])*")
            }
            return .choice(choices.values.compactMap { if case .text(let text) = $0 { text.string } else { nil } })
        }
        let own = schema.json ?? "{}"
        guard let definitions = root["$defs"]?.json else { return .jsonSchema(own) }
        return .jsonSchema("{\"$defs\": \(definitions), \"allOf\": [\(own)]}")
    }
}
