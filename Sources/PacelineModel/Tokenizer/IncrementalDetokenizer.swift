package import PacelineSpeculation

/// Turns a stream of tokens into text as it grows, never cutting a character in two.
package struct IncrementalDetokenizer: Sendable {
    private let tokenizer: Tokenizer
    private let showsSpecial: Bool
    private var assembler = TextAssembler()

    /// - Parameter showsSpecial: whether special tokens appear by name; otherwise they stand for no text.
    package init(_ tokenizer: Tokenizer, showsSpecial: Bool = false) {
        self.tokenizer = tokenizer
        self.showsSpecial = showsSpecial
    }

    /// Takes the next token and returns the text that it completes, which may be empty.
    package mutating func append(_ token: Token) throws(TokenizerError) -> String {
        let isSpecial = try tokenizer.isSpecial(token)
        guard showsSpecial || !isSpecial else { return "" }
        return assembler.append(try tokenizer.bytes(of: token))
    }

    /// Returns what still waits for more bytes, as U+FFFD, and starts anew.
    package mutating func finish() -> String {
        assembler.finish()
    }
}
