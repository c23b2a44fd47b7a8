/// What a request's tools are called, and which of their parameters are texts.
package struct ToolDescriptions: Sendable {
    /// By tool and parameter, the types that the schema allows; nothing where it does not say.
    private let types: [String: [String: Set<String>]]

    /// - Parameter tools: a list of tools as OpenAI describes them.
    package init(_ tools: TemplateValue) {
        var types: [String: [String: Set<String>]] = [:]
        if case .list(let items) = tools {
            for case .mapping(let tool) in items.values {
                guard case .mapping(let function)? = tool["function"], case .text(let name)? = function["name"]
                else { continue }
                types[name.string] = Self.parameters(function["parameters"])
            }
        }
        self.types = types
    }

    package func contains(_ name: String) -> Bool { types[name] != nil }

    private static func parameters(_ schema: TemplateValue?) -> [String: Set<String>] {
        guard case .mapping(let schema)? = schema, case .mapping(let properties)? = schema["properties"] else {
            return [:]
        }
        var parameters: [String: Set<String>] = [:]
        for entry in properties.entries {
            if case .text(let name) = entry.key { parameters[name.string] = types(of: entry.value) }
        }
        return parameters
    }

    private static func types(of schema: TemplateValue) -> Set<String> {
        guard case .mapping(let schema) = schema else { return [] }
        switch schema["type"] {
        case .text(let type)?: return [type.string]
        case .list(let list)?:
            return Set(list.values.compactMap { if case .text(let type) = $0 { type.string } else { nil } })
        default: break
        }
        for name in ["anyOf", "oneOf"] {
            guard case .list(let list)? = schema[name] else { continue }
            return list.values.reduce(into: []) { $0.formUnion(types(of: $1)) }
        }
        return []
    }

    /// The JSON of a parameter's value that a model wrote as plain text.
    func json(of value: String, tool: String, parameter: String) -> String {
        let types = types[tool]?[parameter] ?? []
        // A text may look like a number, and is one only where the schema says so.
        guard !types.isEmpty, types != ["string"], let read = try? JSONReader.read(value) else {
            return Self.quoted(value)
        }
        if case .text = read { return types.contains("string") ? Self.quoted(value) : value }
        if case .none = read { return types.contains("null") ? "null" : Self.quoted(value) }
        return value
    }

    static func quoted(_ text: String) -> String {
        TemplateValue.text(ChatText(text)).json ?? "\"\""
    }
}
