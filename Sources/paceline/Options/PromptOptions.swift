import ArgumentParser
import Foundation
import Logging
import PacelineModel
import PacelineSpeculation

/// The prompt that generation continues.
struct PromptOptions: ParsableArguments {
    @OptionGroup var text: TextOptions

    @Option(
        name: .customLong("prompt-tokens"),
        help: ArgumentHelp("Token ids instead of a text.", valueName: "ids")
    )
    var promptTokens: TokenList?

    @Flag(help: "Wrap the text in the model's chat format, as a user's message.")
    var chat = false

    @OptionGroup var template: ChatTemplateOption

    func validate() throws {
        guard (text.prompt == nil && text.file == nil) != (promptTokens == nil) else {
            throw ValidationError("give one prompt, with -p TEXT, -f FILE or --prompt-tokens IDS")
        }
        guard promptTokens == nil || !chat else {
            throw ValidationError("--chat wraps a text, so it goes with -p or -f, not with --prompt-tokens")
        }
        guard chat || template.chatTemplate == nil else {
            throw ValidationError("--chat-template is for prompts in a chat format; add --chat")
        }
    }

    /// The prompt's tokens, with the beginning-of-text token where the model expects one.
    func tokens(for model: ModelFile) throws -> [Token] {
        let tokenizer = model.tokenizer
        if let promptTokens {
            try tokenizer.check(promptTokens.tokens)
            return promptTokens.tokens
        }
        let text = try text.string() ?? ""
        let tokens =
            chat
            ? tokenizer.encode(try conversation(text, model))
            : tokenizer.encode(text, addBOS: tokenizer.prefersBOS)
        guard !tokens.isEmpty else { throw EmptyPrompt() }
        return tokens
    }

    private func conversation(_ text: String, _ model: ModelFile) throws -> ChatPrompt {
        let renderer = try ChatRenderer(model.file, tokenizer: model.tokenizer)
        Logger(label: "paceline.generate").info("the prompt is rendered with \(renderer.source)")
        return try renderer.render([ChatMessage(.user, text)], time: Int(Date().timeIntervalSince1970))
    }
}

/// The prompt has no tokens.
struct EmptyPrompt: Error, CustomStringConvertible {
    var description: String { "the prompt is empty; give at least one character or token" }
}
