import PacelineChat

/// How a family of models marks the turns of a conversation, for files that have no template.
package struct ChatFormat: Sendable, Equatable {
    package enum Family: String, CaseIterable, Sendable {
        /// `<|im_start|>role … <|im_end|>`: Qwen, SmolLM2 and many others.
        case chatML = "chatml"
        /// `<|start_header_id|>role<|end_header_id|> … <|eot_id|>`, without the date in Llama 3.1's system message.
        case llama3
        /// `<start_of_turn>role … <end_of_turn>`. The assistant is called "model", and the system message begins the
        /// first user turn.
        case gemma
        /// `<|role|> … <|end|>`.
        case phi3
        /// `[INST] … [/INST]` around each user message and `</s>` after each answer. The system message begins the
        /// first turn.
        case mistral
        /// No markers: messages separated by blank lines, for models that were not trained on conversations.
        case plain
    }

    package let family: Family
    /// The text of the beginning-of-sequence token if conversations begin with it; otherwise "".
    private let beginning: String

    /// The format of a family.
    ///
    /// - Parameter beginning: what conversations begin with.
    package init(_ family: Family, beginning: String = "") {
        self.family = family
        self.beginning = beginning
    }

    /// The format whose markers are tokens of the model; plain if it has none of them.
    package init(tokenizer: Tokenizer) throws {
        let bos = try tokenizer.bos.map { try String(decoding: tokenizer.bytes(of: $0), as: UTF8.self) } ?? ""
        let special = tokenizer.vocabulary.tokens(of: [.control, .userDefined])
        let markers = Set(special.map { String(decoding: $0.bytes, as: UTF8.self) })
        self.init(Self.family(markers.contains), beginning: tokenizer.prefersBOS ? bos : "")
    }

    private static func family(_ has: (String) -> Bool) -> Family {
        if has("<|im_start|>") { return .chatML }
        if has("<|start_header_id|>") { return .llama3 }
        if has("<start_of_turn>") { return .gemma }
        if has("<|assistant|>"), has("<|end|>") { return .phi3 }
        return has("[INST]") ? .mistral : .plain
    }

    /// Renders messages.
    ///
    /// - Parameter opensAnswer: whether the beginning of the assistant's next message follows.
    package func render(_ messages: [ChatMessage], opensAnswer: Bool = true) -> ChatPrompt {
        var prompt = ChatPrompt()
        prompt.append(template: beginning)
        var waiting: [String] = []
        for message in messages {
            if hasNoSystemTurn, message.role == .system {
                waiting.append(trimsContents ? Self.trimmed(message.content) : message.content)
                continue
            }
            appendHeader(message.role, to: &prompt)
            for system in message.role == .user ? waiting : [] {
                prompt.append(content: system)
                prompt.append(template: "\n\n")
            }
            if message.role == .user { waiting = [] }
            prompt.append(content: trimsContents ? Self.trimmed(message.content) : message.content)
            appendEnd(message.role, to: &prompt)
        }
        if opensAnswer { appendHeader(.assistant, to: &prompt) }
        return prompt
    }

    /// Whether a system message has no turn of its own and begins the next user turn.
    private var hasNoSystemTurn: Bool { family == .gemma || family == .mistral }

    private var trimsContents: Bool { family == .llama3 || family == .gemma }

    private func appendHeader(_ role: ChatMessage.Role, to prompt: inout ChatPrompt) {
        switch family {
        case .chatML: prompt.append(template: "<|im_start|>\(role.rawValue)\n")
        case .llama3: prompt.append(template: "<|start_header_id|>\(role.rawValue)<|end_header_id|>\n\n")
        case .gemma: prompt.append(template: "<start_of_turn>\(role == .assistant ? "model" : role.rawValue)\n")
        case .phi3: prompt.append(template: "<|\(role.rawValue)|>\n")
        case .mistral where role == .user: prompt.append(template: "[INST] ")
        case .mistral, .plain: break
        }
    }

    private func appendEnd(_ role: ChatMessage.Role, to prompt: inout ChatPrompt) {
        switch family {
        case .chatML: prompt.append(template: "<|im_end|>\n")
        case .llama3: prompt.append(template: "<|eot_id|>")
        case .gemma: prompt.append(template: "<end_of_turn>\n")
        case .phi3: prompt.append(template: "<|end|>\n")
        case .mistral: prompt.append(template: role == .user ? " [/INST]" : "</s>")
        case .plain: prompt.append(template: "\n\n")
        }
    }

    /// Jinja's `trim`, which the templates of Llama 3 and Gemma apply to message contents.
    private static func trimmed(_ text: String) -> String {
        let scalars = text.unicodeScalars
        guard let first = scalars.firstIndex(where: { !isPythonSpace($0.value) }),
            let last = scalars.lastIndex(where: { !isPythonSpace($0.value) })
        else { return "" }
        return String(scalars[first...last])
    }
}
