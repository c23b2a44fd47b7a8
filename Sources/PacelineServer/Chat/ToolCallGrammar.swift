import PacelineChat
import PacelineGrammar

/// What an answer may be in a conversation with tools, as a grammar in the format of the model's family.
struct ToolCallGrammar {
    fileprivate struct Tool {
        var name: String
        /// Its place in the list of tools.
        var number: Int
        var parameters: TemplateValue?
        /// Whether its arguments satisfy its schema whenever it is called.
        var isStrict: Bool
    }

    let format: ToolCallFormat
    /// Those that may be called.
    private let tools: [Tool]
    private let isForced: Bool
    /// Whether there may be several calls.
    private let areParallel: Bool

    /// - Parameters:
    ///   - tools: a list of tools as OpenAI describes them.
    ///   - options: which of them may be called.
    ///   - format: how the model writes calls.
    init(_ tools: TemplateValue, _ options: ToolOptions, _ format: ToolCallFormat) {
        self.format = format
        isForced = options.isForced
        // A Llama calls one function at a time.
        areParallel = options.areParallel && format != .llama
        var found: [Tool] = []
        if case .list(let items) = tools { found = items.values.enumerated().compactMap { Tool($1, number: $0) } }
        if case .named(let name) = options.choice { found.removeAll { $0.name != name } }
        self.tools = found
    }

    /// Whether what the model writes by itself need not do.
    var isStrict: Bool { tools.contains(where: \.isStrict) }

    /// The schemas that arguments must satisfy.
    var schemas: [RequestedConstraint] {
        tools.compactMap { tool in
            guard let schema = schema(of: tool)?.json else { return nil }
            return RequestedConstraint(.jsonSchema(schema), "tools[\(tool.number)].function.parameters")
        }
    }

    private func schema(of tool: Tool) -> TemplateValue? {
        isForced || tool.isStrict ? tool.parameters : nil
    }

    /// Text, and behind it calls or nothing.
    var free: GrammarSource {
        let text = OpenerFreeText(format.openers)
        // A Llama's call begins with a brace, and stands alone.
        guard format != .llama else { return .alternatives([calls, .regex(text.pattern(beginsWithBrace: false))]) }
        return .sequence([.regex(text.pattern(beginsWithBrace: true)), .repetition(calls, minimum: 0, maximum: 1)])
    }

    /// One call or, if there may be several, any number of them, and nothing else.
    var calls: GrammarSource {
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

    private func call(_ tool: Tool) -> GrammarSource {
        let quoted = TemplateValue.text(ChatText(tool.name)).json ?? "\"\""
        let schema = schema(of: tool)
        let arguments = schema?.json.map(GrammarSource.jsonSchema) ?? .jsonObject
        return switch format {
        case .hermes:
            .sequence([
                .text("<tool_call>\n{\"name\": \(quoted), \"arguments\": "), arguments, .text("}\n</tool_call>"),
            ])
        case .qwenCoder:
            .sequence(
                [.text("<tool_call>\n<function=\(tool.name)>\n")] + Self.values(schema)
                    + [.text("</function>\n</tool_call>")]
            )
        case .llama: .sequence([.text("{\"name\": \(quoted), \"parameters\": "), arguments, .text("}")])
        case .mistral: .sequence([.text("{\"name\": \(quoted), \"arguments\": "), arguments, .text("}")])
        }
    }

    /// Qwen3-Coder writes every parameter on lines of its own, and texts without quotation marks.
    private static func values(_ schema: TemplateValue?) -> [GrammarSource] {
        guard case .mapping(let schema)? = schema, case .mapping(let properties)? = schema["properties"] else {
            return [.repetition(anyValue, minimum: 0, maximum: nil)]
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

    /// Anything that is no end marker.
    private static let anyText = GrammarSource.regex("([^<]|<[^/])*")
    private static let anyValue = GrammarSource.sequence([
        .text("<parameter="), .regex("[^<>\\r\\n]+"), .text(">\n"), anyText, .text("\n</parameter>\n"),
    ])

    private static func value(_ schema: TemplateValue, within root: TemplateMapping) -> GrammarSource {
        if case .mapping(let fields) = schema, fields["type"] == .text("string") {
            guard case .list(let choices)? = fields["enum"] else { return anyText }
            return .choice(choices.values.compactMap { if case .text(let text) = $0 { text.string } else { nil } })
        }
        let own = schema.json ?? "{}"
        guard let definitions = root["$defs"]?.json else { return .jsonSchema(own) }
        return .jsonSchema("{\"$defs\": \(definitions), \"allOf\": [\(own)]}")
    }
}

extension ToolCallGrammar.Tool {
    init?(_ item: TemplateValue, number: Int) {
        guard case .mapping(let tool) = item, case .mapping(let function)? = tool["function"],
            case .text(let name)? = function["name"]
        else { return nil }
        self.init(
            name: name.string,
            number: number,
            parameters: function["parameters"],
            isStrict: function["strict"] == .bool(true)
        )
    }
}

/// All texts that hold none of some markers, as a regular expression. The markers begin with one character, which comes
/// in none of them again.
private struct OpenerFreeText {
    private let first: Character
    /// Every text that a marker begins with and is not whole, and the characters that would go on with one.
    private let beginnings: [(text: String, next: Set<Character>)]

    init(_ markers: [String]) {
        first = markers[0].first ?? "<"
        var next: [String: Set<Character>] = [:]
        for marker in markers {
            for end in marker.indices.dropFirst() {
                next[String(marker[..<end]), default: []].insert(marker[end])
            }
        }
        beginnings = next.sorted { $0.key < $1.key }.map { (text: $0.key, next: $0.value) }
    }

    /// - Parameter beginsWithBrace: whether the text may begin with one, behind white space.
    func pattern(beginsWithBrace: Bool) -> String {
        let begun = "(?:" + beginnings.map { Self.escaped($0.text) }.joined(separator: "|") + ")"
        // A beginning that another character ends. One that another beginning follows was none.
        let ended = beginnings.map { beginning in
            Self.escaped(beginning.text) + Self.noneOf(beginning.next.union([first]))
        }
        let broken = "\(begun)*(?:" + ended.joined(separator: "|") + ")"
        let rest = "(?:\(Self.noneOf([first]))|\(broken))*\(begun)*"
        guard !beginsWithBrace else { return rest }
        return "\\s*(?:(?:\(Self.noneOf([first, "{"], orSpace: true))|\(broken))\(rest)|\(begun)*)"
    }

    private static func noneOf(_ characters: Set<Character>, orSpace: Bool = false) -> String {
        "[^" + characters.sorted().map { escaped(String($0)) }.joined() + (orSpace ? "\\s]" : "]")
    }

    private static func escaped(_ text: String) -> String {
        text.map { "[]|{}".contains($0) ? "\\\($0)" : "\($0)" }.joined()
    }
}
