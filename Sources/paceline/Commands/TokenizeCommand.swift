import ArgumentParser
import PacelineGateway
import PacelineModel
import PacelineSpeculation

/// `paceline tokenize`: text to token ids and back.
struct TokenizeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokenize",
        abstract: "Turn text into a model's token ids, or ids back into text.",
        discussion: """
            Control tokens that are written out (<|im_end|>) are read as those tokens. Nothing is added before the \
            text unless --bos asks for it.

              paceline tokenize -m smollm2-135m -p "Hello, world!"
              paceline tokenize -m smollm2-135m -f prompt.txt --json
              paceline tokenize -m smollm2-135m --tokens 19556,28,905,17
            """
    )

    @OptionGroup var model: ModelOptions
    @OptionGroup var text: TextOptions

    @Option(help: ArgumentHelp("Print the text that these token ids stand for.", valueName: "ids"))
    var tokens: TokenList?

    @Flag(help: "Begin with the model's beginning-of-text token.")
    var bos = false

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        guard (text.prompt == nil && text.file == nil) != (tokens == nil) else {
            throw ValidationError("give either a text, with -p or -f, or token ids, with --tokens")
        }
        guard tokens == nil || !bos else { throw ValidationError("--bos goes with a text, not with --tokens") }
    }

    func run() throws {
        let tokenizer = try Tokenizer(GGUFFile(path: model.path()))
        if let tokens {
            try printText(of: tokens.tokens, tokenizer)
        } else if let tokens = try tokenizer.encode(text, addBOS: bos) {
            guard !bos || tokenizer.bos != nil else { throw TokenizeError.noBOS(model: model.model) }
            try json ? StandardOutput.json(TokensReport(tokens: tokens)) : StandardOutput.write(tokens.listed + "\n")
        }
    }

    private func printText(of tokens: [Token], _ tokenizer: Tokenizer) throws {
        let bytes = try tokenizer.decode(tokens)
        if json {
            try StandardOutput.json(TokensReport(tokens: tokens, text: String(decoding: bytes, as: UTF8.self)))
        } else {
            // As bytes: tokens can end within a character.
            try StandardOutput.write(bytes)
            if StandardOutput.isTerminal, bytes.last != UInt8(ascii: "\n") { try StandardOutput.write("\n") }
        }
    }
}

/// What `tokenize --json` prints.
struct TokensReport: Encodable {
    var tokens: [Token]
    /// Of ids that were given.
    var text: String?
}

/// Why a text cannot be tokenised as asked.
enum TokenizeError: Error, CustomStringConvertible {
    case noBOS(model: String)

    var description: String {
        switch self {
        case .noBOS(let model): "\(model) has no beginning-of-text token; leave out --bos"
        }
    }
}

extension [Token] {
    /// The ids as `--tokens` takes them.
    var listed: String { map(String.init).joined(separator: ",") }
}
