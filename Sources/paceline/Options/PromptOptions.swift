import ArgumentParser
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

    func validate() throws {
        guard (text.prompt == nil && text.file == nil) != (promptTokens == nil) else {
            throw ValidationError("give one prompt, with -p TEXT, -f FILE or --prompt-tokens IDS")
        }
        guard promptTokens == nil || !chat else {
            throw ValidationError("--chat wraps a text, so it goes with -p or -f, not with --prompt-tokens")
        }
    }

    /// The prompt's tokens, with the beginning-of-text token where the model expects one.
    func tokens(_ tokenizer: Tokenizer, _ format: ChatFormat) throws -> [Token] {
        if let promptTokens {
            try tokenizer.check(promptTokens.tokens)
            return promptTokens.tokens
        }
        let text = try text.string() ?? ""
        let tokens =
            chat
            ? tokenizer.encode(format.render([ChatMessage(.user, text)]))
            : tokenizer.encode(text, addBOS: tokenizer.prefersBOS)
        guard !tokens.isEmpty else { throw EmptyPrompt() }
        return tokens
    }
}

/// The prompt has no tokens.
struct EmptyPrompt: Error, CustomStringConvertible {
    var description: String { "the prompt is empty; give at least one character or token" }
}
