/// How a family of models marks the turns of a conversation.
package struct ChatFormat: Sendable, Equatable {
    package enum Family: String, Sendable {
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
    /// The system message that the model's template gives to conversations without one.
    package let defaultSystem: String?

    /// The text of the beginning-of-sequence token if conversations begin with it; otherwise "".
    package private(set) var beginning = ""

    private init(family: Family, defaultSystem: String? = nil) {
        self.family = family
        self.defaultSystem = defaultSystem
    }

    /// Derives the format from the file's `tokenizer.chat_template`; plain if it has none.
    ///
    /// - Parameter tokenizer: the tokenizer of the same file.
    package init(_ file: GGUFFile, tokenizer: Tokenizer) throws {
        let bos = try tokenizer.bos.map { try String(decoding: tokenizer.bytes(of: $0), as: UTF8.self) } ?? ""
        let template = try file.stringIfPresent("tokenizer.chat_template") ?? ""
        self.init(template: template, bos: bos)
        // Plain text begins as it does outside conversations.
        if template.isEmpty, tokenizer.prefersBOS { beginning = bos }
    }

    /// Derives the format from the markers in a Jinja chat template.
    ///
    /// - Parameter bos: the text of the model's beginning-of-sequence token; "" if it has none.
    package init(template: String, bos: String = "") {
        self.init(markersOf: template)
        // The token may also be the marker that opens a turn, as in SmolLM2.
        var header = ChatPrompt()
        appendHeader(.user, to: &header)
        let isOpener = !bos.isEmpty && header.text.utf8.starts(with: bos.utf8)
        if !isOpener, Self.writes(bos, template: template) { beginning = bos }
    }

    private init(markersOf template: String) {
        func has(_ marker: String) -> Bool { template.utf8.contains(marker.utf8) }
        if has("<|im_start|>") {
            self.init(family: .chatML, defaultSystem: Self.chatMLDefaultSystem(template))
        } else if has("<|start_header_id|>") {
            self.init(family: .llama3)
        } else if has("<start_of_turn>") {
            self.init(family: .gemma)
        } else if has("<|assistant|>"), has("<|end|>") {
            self.init(family: .phi3)
        } else if has("[INST]"), !has("<<SYS>>"), !has("[SYSTEM_PROMPT]") {
            self.init(family: .mistral)
        } else {
            self.init(family: .plain)
        }
    }

    /// The text that ends an assistant turn; "" for plain.
    package var endOfTurn: String {
        switch family {
        case .chatML: "<|im_end|>"
        case .llama3: "<|eot_id|>"
        case .gemma: "<end_of_turn>"
        case .phi3: "<|end|>"
        case .mistral: "</s>"
        case .plain: ""
        }
    }

    /// Renders a conversation up to the point where the assistant answers.
    package func render(_ messages: [ChatMessage]) -> ChatPrompt {
        var prompt = ChatPrompt()
        prompt.append(template: beginning)
        // The default comes from the model's own template, so it counts as template text, not as content.
        if let defaultSystem, messages.first?.role != .system {
            appendHeader(.system, to: &prompt)
            prompt.append(template: defaultSystem)
            appendEnd(.system, to: &prompt)
        }
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
        appendHeader(.assistant, to: &prompt)
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
        guard let first = scalars.firstIndex(where: { !isTrimmed($0) }),
            let last = scalars.lastIndex(where: { !isTrimmed($0) })
        else { return "" }
        return String(scalars[first...last])
    }

    /// Python's `str.isspace`, which Jinja's `trim` uses: white space and the information separators U+001C to U+001F.
    private static func isTrimmed(_ scalar: Unicode.Scalar) -> Bool {
        CharacterTable.shared[scalar.value].isWhiteSpace || (0x1C...0x1F).contains(scalar.value)
    }

    /// The literal system message in a ChatML template: text between `<|im_start|>system` and `<|im_end|>` without
    /// expressions.
    private static func chatMLDefaultSystem(_ template: String) -> String? {
        for part in split(template, by: "<|im_start|>system").dropFirst() {
            let parts = split(part, by: "<|im_end|>")
            guard parts.count > 1, let text = withoutNewline(parts[0]) else { continue }
            if !text.isEmpty, !text.utf8.contains(where: "{'\\".utf8.contains) { return text }
        }
        return nil
    }

    /// `text` without its leading line feed, a character or an escape; nil if it has none.
    private static func withoutNewline(_ text: String) -> String? {
        for newline in ["\n", "\\n"] where text.utf8.starts(with: newline.utf8) {
            return String(decoding: text.utf8.dropFirst(newline.utf8.count), as: UTF8.self)
        }
        return nil
    }

    /// Splits by bytes. Swift's characters depend on its version of Unicode, and a mark after a separator would hide
    /// the separator.
    private static func split(_ text: String, by separator: String) -> [String] {
        text.utf8.split(separator: separator.utf8, omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
    }
}
