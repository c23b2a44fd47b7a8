import ArgumentParser
import Foundation
import PacelineModel
import PacelineServer
import PacelineSpeculation

/// `paceline tokenize`: text to token ids and back.
struct TokenizeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokenize",
        abstract: "Turn text into a model's token ids, or ids back into text.",
        discussion: """
            Control tokens written out in the text (<|im_end|>) become those tokens. Nothing is added before the text \
            unless --bos is given.

              paceline tokenize -m smollm2-135m -p "Hello, world!"
              paceline tokenize -m smollm2-135m -f prompt.txt --json
              paceline tokenize -m smollm2-135m -f texts.jsonl --json-lines
              paceline tokenize -m smollm2-135m --tokens 19556,28,905,17
            """
    )

    @OptionGroup var model: ModelOptions
    @OptionGroup var text: TextOptions

    @Option(help: ArgumentHelp("Print the text that these token ids stand for.", valueName: "ids"))
    var tokens: TokenList?

    @Flag(help: "Begin with the model's beginning-of-text token.")
    var bos = false

    @Flag(help: "Read the text as JSON Lines of strings; print the ids of each string on its own line.")
    var jsonLines = false

    @Flag(help: "Print one JSON object, or with --json-lines one per line.")
    var json = false

    func validate() throws {
        guard (text.prompt == nil && text.file == nil) != (tokens == nil) else {
            throw ValidationError("give either a text, with -p or -f, or token ids, with --tokens")
        }
        guard tokens == nil || !jsonLines else {
            throw ValidationError("--json-lines goes with a text, not with --tokens")
        }
        guard tokens == nil || !bos else { throw ValidationError("--bos goes with a text, not with --tokens") }
    }

    func run() throws {
        let tokenizer = try Tokenizer(GGUFFile(path: model.path()))
        if let tokens {
            try printText(of: tokens.tokens, tokenizer)
        } else if let text = try text.string() {
            guard !bos || tokenizer.bos != nil else { throw TokenizeError.noBOS(model: model.model) }
            for text in jsonLines ? try JSONLines.strings(text) : [text] {
                try printTokens(tokenizer.encode(text, addBOS: bos))
            }
        }
    }

    private func printTokens(_ tokens: [Token]) throws {
        try json ? StandardOutput.json(TokensReport(tokens: tokens)) : StandardOutput.write(tokens.listed + "\n")
    }

    private func printText(of tokens: [Token], _ tokenizer: Tokenizer) throws {
        let bytes = try tokenizer.decode(tokens)
        if json {
            try StandardOutput.json(TokensReport(tokens: tokens, text: String(decoding: bytes, as: UTF8.self)))
        } else {
            // Written as bytes: a token can end inside a character.
            try StandardOutput.write(bytes)
            if StandardOutput.isTerminal, bytes.last != UInt8(ascii: "\n") { try StandardOutput.write("\n") }
        }
    }
}

/// What `tokenize --json` prints.
struct TokensReport: Encodable {
    var tokens: [Token]
    /// Present when ids were given.
    var text: String?
}

/// Texts written as JSON strings, one per line.
private enum JSONLines {
    static func strings(_ text: String) throws(TokenizeError) -> [String] {
        let decoder = JSONDecoder()
        var lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        var strings: [String] = []
        for (index, line) in lines.enumerated() {
            guard let string = try? decoder.decode(String.self, from: Data(line)) else {
                throw .notJSON(line: index + 1)
            }
            strings.append(string)
        }
        return strings
    }
}

/// Why a text cannot be tokenised as asked.
enum TokenizeError: Error, CustomStringConvertible {
    case noBOS(model: String)
    case notJSON(line: Int)

    var description: String {
        switch self {
        case .noBOS(let model): "\(model) has no beginning-of-text token; leave out --bos"
        case .notJSON(let line):
            "line \(line) is not a JSON string; write each text as one, as in \"two\\nlines\", or omit --json-lines"
        }
    }
}

extension [Token] {
    /// The ids in the format that `--tokens` reads.
    var listed: String { map(String.init).joined(separator: ",") }
}
