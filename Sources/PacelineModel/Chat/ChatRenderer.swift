package import PacelineChat

/// Renders conversations for one model: with the template in its file, or in a format of our own where it has none.
package struct ChatRenderer: Sendable {
    private enum Method: Sendable {
        case template(ChatTemplate)
        case format(ChatFormat)
    }

    /// Where a model's file has its template.
    static let templateKey = "tokenizer.chat_template"

    private let method: Method
    /// The texts of the special tokens that templates print by name; "" where the model has none.
    package let bos: String
    package let eos: String
    /// The template's text; nil if the model has none.
    package let templateSource: String?
    /// What the template can do; nil without a template.
    package private(set) var traits: ChatTemplateTraits?

    /// - Throws: ``TemplateError`` if the file's template is not valid. No other format is tried then, because a prompt
    ///   in the wrong format ruins the answers silently.
    package init(_ file: GGUFFile, tokenizer: Tokenizer) throws {
        bos = try tokenizer.bos.map { try String(decoding: tokenizer.bytes(of: $0), as: UTF8.self) } ?? ""
        eos = try tokenizer.eos.map { try String(decoding: tokenizer.bytes(of: $0), as: UTF8.self) } ?? ""
        if let source = try file.stringIfPresent(Self.templateKey), !source.isEmpty {
            templateSource = source
            let template = try ChatTemplate(source)
            method = .template(template)
            let (bos, eos) = (bos, eos)
            traits = ChatTemplateTraits { conversation, traits in
                let context = TemplateContext(bos: bos, eos: eos, traits: traits).mapping(of: conversation)
                // A template that refuses what it is shown says so with an error: that is the answer.
                return try? template.render(context).string
            }
        } else {
            templateSource = nil
            method = .format(try ChatFormat(tokenizer: tokenizer))
        }
    }

    /// What prompts are rendered with, in words for a log.
    package var source: String {
        switch method {
        case .template: "the model's chat template"
        case .format(let format): "the \(format.family.rawValue) format, since the model's file has no chat template"
        }
    }

    /// Whether the model writes its thoughts between `<think>` and `</think>`.
    package var thinks: Bool { templateSource?.contains(ReasoningSplitter.end) ?? false }

    /// How the model writes calls of tools: as its template shows those of earlier messages, or else as the template
    /// describes them. Nil if neither says so; then the model's text is nothing but text.
    package var toolCallFormat: ToolCallFormat? {
        traits?.toolCallFormat ?? templateSource.flatMap { ToolCallFormat(writtenIn: $0) }
    }

    /// Renders messages up to the point where the assistant answers.
    package func render(_ messages: [ChatMessage], time: Int) throws(TemplateError) -> ChatPrompt {
        try render(ChatConversation(messages), time: time)
    }

    /// Renders a conversation.
    ///
    /// A message that goes on is put behind the beginning of an answer: so it does not matter how the template ends
    /// messages.
    ///
    /// - Parameter time: what a template that asks for the present time gets, in seconds since 1970.
    /// - Throws: ``TemplateError``; its ``TemplateError/refused(_:)`` if the template does not allow the conversation.
    package func render(_ conversation: ChatConversation, time: Int) throws(TemplateError) -> ChatPrompt {
        var conversation = conversation
        var beginning: String?
        if conversation.ending == .continuation, let last = conversation.messages.popLast() { beginning = last.content }
        var prompt: ChatPrompt
        switch method {
        case .format(let format):
            guard !conversation.messages.contains(where: { $0.role == .tool || !$0.toolCalls.isEmpty }) else {
                throw .refused("the model's file has no chat template, so messages can have no tool calls or results")
            }
            prompt = format.render(conversation.messages, opensAnswer: conversation.ending != .complete)
        case .template(let template):
            let context = TemplateContext(bos: bos, eos: eos, traits: traits).mapping(of: conversation)
            prompt = ChatPrompt(try template.render(context, time: time))
        }
        if let beginning { prompt.append(content: beginning) }
        return prompt
    }
}

/// Makes the names that Hugging Face's `apply_chat_template` gives to a template.
private struct TemplateContext {
    let bos: String
    let eos: String
    let traits: ChatTemplateTraits?

    func mapping(of conversation: ChatConversation) -> TemplateMapping {
        var context = conversation.variables
        let messages = traits?.arranged(conversation.messages) ?? conversation.messages
        context.set("messages", .list(messages.map { .mapping(mapping(of: $0)) }))
        context.set("tools", conversation.tools ?? .none)
        context.set("documents", .none)
        context.set("add_generation_prompt", .bool(conversation.ending != .complete))
        context.set("bos_token", .text(ChatText(bos)))
        context.set("eos_token", .text(ChatText(eos)))
        return context
    }

    private func mapping(of message: ChatMessage) -> TemplateMapping {
        var mapping = TemplateMapping()
        mapping.set("role", .text(ChatText(message.role.rawValue)))
        mapping.set("content", content(of: message))
        if let reasoning = message.reasoning { mapping.set("reasoning_content", .text(ChatText(message: reasoning))) }
        if !message.toolCalls.isEmpty {
            mapping.set("tool_calls", .list(message.toolCalls.map { .mapping(call($0)) }))
        }
        if let id = message.toolCallID { mapping.set("tool_call_id", .text(ChatText(message: id))) }
        if let name = message.toolName { mapping.set("name", .text(ChatText(message: name))) }
        return mapping
    }

    private func content(of message: ChatMessage) -> TemplateValue {
        guard let parts = message.parts else {
            return traits?.takesNoContent ?? true ? .none : .text(ChatText(message: ""))
        }
        guard traits?.needsParts ?? false else { return .text(ChatText(message: message.content)) }
        return .list(
            parts.map { part in
                var mapping = TemplateMapping()
                mapping.set("type", .text(ChatText("text")))
                mapping.set("text", .text(ChatText(message: part)))
                return .mapping(mapping)
            }
        )
    }

    private func call(_ call: ChatToolCall) -> TemplateMapping {
        var function = TemplateMapping()
        function.set("name", .text(ChatText(message: call.name)))
        let isText = traits?.wantsArgumentText ?? false
        function.set("arguments", isText ? .text(ChatText(message: call.argumentText)) : call.arguments)
        var mapping = TemplateMapping()
        if let id = call.id { mapping.set("id", .text(ChatText(message: id))) }
        mapping.set("type", .text(ChatText("function")))
        mapping.set("function", .mapping(function))
        return mapping
    }
}

extension ChatPrompt {
    init(_ text: ChatText) {
        self.init()
        for run in text.runs {
            if run.isMessage { append(content: run.text) } else { append(template: run.text) }
        }
    }
}
