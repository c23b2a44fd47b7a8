import ArgumentParser
import PacelineModel
import PacelineSpeculation

/// A text from the command line or from a file.
struct TextOptions: ParsableArguments {
    @Option(
        name: [.customShort("p"), .customLong("prompt")],
        parsing: .unconditional,
        help: ArgumentHelp("The text.", valueName: "text")
    )
    var prompt: String?

    @Option(
        name: [.customShort("f"), .customLong("file")],
        parsing: .unconditional,
        help: ArgumentHelp("Read the text from a file, byte for byte; - reads standard input.", valueName: "file")
    )
    var file: String?

    func validate() throws {
        guard prompt == nil || file == nil else {
            throw ValidationError("-p and -f both give the text; use one of them")
        }
    }

    /// The text, byte for byte; nil if neither flag was given.
    ///
    /// - Throws: ``PromptFileError`` for a file that cannot be read or is not UTF-8.
    func string() throws -> String? {
        if let prompt { return prompt }
        return try file.map { path in try PromptFile.text(at: path) }
    }
}

extension Tokenizer {
    /// The tokens of a text; nil if none was given.
    func encode(_ text: TextOptions, addBOS: Bool) throws -> [Token]? {
        try text.string().map { encode($0, addBOS: addBOS) }
    }
}
