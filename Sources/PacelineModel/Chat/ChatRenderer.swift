package import PacelineChat

/// Renders conversations for one model: with the template in its file, or in a format of our own where it has none.
package struct ChatRenderer: Sendable {
    private enum Method: Sendable {
        case template(ChatTemplate)
        case format(ChatFormat)
    }

    private let method: Method
    /// The texts of the special tokens that templates print by name; "" where the model has none.
    private let bos: String
    private let eos: String

    /// - Throws: ``TemplateError`` if the file's template is not valid. No other format is tried then, because a prompt
    ///   in the wrong format ruins the answers silently.
    package init(_ file: GGUFFile, tokenizer: Tokenizer) throws {
        bos = try tokenizer.bos.map { try String(decoding: tokenizer.bytes(of: $0), as: UTF8.self) } ?? ""
        eos = try tokenizer.eos.map { try String(decoding: tokenizer.bytes(of: $0), as: UTF8.self) } ?? ""
        if let source = try file.stringIfPresent("tokenizer.chat_template"), !source.isEmpty {
            method = .template(try ChatTemplate(source))
        } else {
            method = .format(try ChatFormat(tokenizer: tokenizer))
        }
    }

    /// What prompts are rendered with, in words for a log.
    package var source: String {
        switch method {
        case .template: "the chat template of the model's file"
        case .format(let format): "the \(format.family.rawValue) format, since the model's file has no chat template"
        }
    }

    /// Renders a conversation up to the point where the assistant answers.
    ///
    /// - Parameter time: what a template that asks for the present time gets, in seconds since 1970.
    /// - Throws: ``TemplateError``; its ``TemplateError/refused(_:)`` if the template does not allow the conversation.
    package func render(_ messages: [ChatMessage], time: Int) throws(TemplateError) -> ChatPrompt {
        switch method {
        case .format(let format): return format.render(messages)
        case .template(let template): return ChatPrompt(try template.render(context(of: messages), time: time))
        }
    }

    /// The names that Hugging Face's `apply_chat_template` gives to a template.
    private func context(of messages: [ChatMessage]) -> TemplateMapping {
        var context = TemplateMapping()
        context.set(
            "messages",
            .list(
                messages.map { message in
                    var mapping = TemplateMapping()
                    mapping.set("role", .text(ChatText(message.role.rawValue)))
                    mapping.set("content", .text(ChatText(message: message.content)))
                    return .mapping(mapping)
                }
            )
        )
        context.set("tools", .none)
        context.set("documents", .none)
        context.set("add_generation_prompt", .bool(true))
        context.set("bos_token", .text(ChatText(bos)))
        context.set("eos_token", .text(ChatText(eos)))
        return context
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
