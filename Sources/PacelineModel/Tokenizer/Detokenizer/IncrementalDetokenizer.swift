package import PacelineSpeculation

/// Turns a stream of tokens into text as it grows, never cutting a character in two.
package struct IncrementalDetokenizer: Sendable {
    private let tokenizer: Tokenizer
    private let showsSpecial: Bool
    /// Whether the next token begins a text, so that its space may be one that encoding put there.
    private var beginsText: Bool
    private var assembler = TextAssembler()

    /// - Parameters:
    ///   - showsSpecial: whether special tokens appear by name; otherwise they stand for no text.
    ///   - beginsText: whether the first token begins a text rather than continuing one: a leading space that
    ///     SentencePiece vocabularies put there is then left out, as it is behind special tokens.
    package init(_ tokenizer: Tokenizer, showsSpecial: Bool = false, beginsText: Bool = false) {
        self.tokenizer = tokenizer
        self.showsSpecial = showsSpecial
        self.beginsText = beginsText
    }

    /// Takes the next token and returns the text that it completes, which may be empty.
    package mutating func append(_ token: Token) throws(TokenizerError) -> String {
        let isSpecial = try tokenizer.isSpecial(token)
        let bytes = try tokenizer.bytes(of: token)
        let piece = beginsText ? tokenizer.withoutSpacePrefix(bytes, of: token) : bytes
        beginsText = tokenizer.isMarker(token)
        guard showsSpecial || !isSpecial else { return "" }
        return assembler.append(piece)
    }

    /// Returns what still waits for more bytes, as U+FFFD, and starts anew.
    package mutating func finish() -> String {
        assembler.finish()
    }
}
