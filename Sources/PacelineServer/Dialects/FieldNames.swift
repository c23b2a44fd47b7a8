/// What another API calls the fields of chat, so that errors name them as the client knows them.
struct FieldNames: Sendable {
    private struct Entry: Sendable {
        /// `[]` stands for any place in an array.
        let chat: String
        let own: String
        /// Whether what is inside of the field has the same names.
        let isSameInside: Bool
    }

    /// The fields inside of others come before those.
    private let entries: [Entry]

    static let responses = FieldNames([
        Entry(chat: "response_format.json_schema.schema", own: "text.format.schema", isSameInside: true),
        Entry(chat: "response_format.json_schema", own: "text.format", isSameInside: true),
        Entry(chat: "response_format", own: "text.format", isSameInside: true),
        Entry(chat: "tools[].function", own: "tools[]", isSameInside: true),
        Entry(chat: "messages", own: "input", isSameInside: false),
        Entry(chat: "max_completion_tokens", own: "max_output_tokens", isSameInside: false),
    ])

    /// - Parameter format: the field that holds the answer to a schema.
    static func messages(format: String) -> FieldNames {
        FieldNames([
            Entry(chat: "response_format.json_schema.schema", own: format + ".schema", isSameInside: true),
            Entry(chat: "response_format.json_schema", own: format, isSameInside: true),
            Entry(chat: "response_format", own: format, isSameInside: true),
            Entry(chat: "tools[].function.parameters", own: "tools[].input_schema", isSameInside: true),
            Entry(chat: "tools[].function", own: "tools[]", isSameInside: true),
            Entry(chat: "stop", own: "stop_sequences", isSameInside: true),
            Entry(chat: "max_completion_tokens", own: "max_tokens", isSameInside: false),
        ])
    }

    private init(_ entries: [Entry]) {
        self.entries = entries
    }

    /// What a field that begins like one of chat's is called; nil for one that is called the same.
    fileprivate func name(of param: String) -> (chat: String, own: String, param: String)? {
        let head = param.prefix { $0 != "[" }
        let place = param[head.endIndex...].dropFirst().prefix { $0 != "]" }
        let hasPlace = !place.isEmpty && place.allSatisfy(\.isNumber)
        for entry in entries {
            let chat = hasPlace ? entry.chat.replacing("[]", with: "[\(place)]") : entry.chat
            guard param.hasPrefix(chat) else { continue }
            let rest = param.dropFirst(chat.count)
            guard rest.first.map({ ".[".contains($0) }) ?? true else { continue }
            let own = hasPlace ? entry.own.replacing("[]", with: "[\(place)]") : entry.own
            return (chat, own, entry.isSameInside ? own + rest : own)
        }
        return nil
    }
}

extension APIError {
    /// The error with the names that the client knows the fields by.
    func renamed(_ names: FieldNames) -> APIError {
        guard let param, let name = names.name(of: param) else { return self }
        var error = self
        error.param = name.param
        if message.hasPrefix(name.chat) { error.message = name.own + message.dropFirst(name.chat.count) }
        return error
    }
}
