package import PacelineSpeculation

/// Turns a stream of tokens into text piece by piece without splitting characters.
package struct IncrementalDetokenizer: Sendable {
    private let tokenizer: Tokenizer
    private let showsSpecial: Bool
    /// Whether the next token begins a text, so that encoding may have added its leading space.
    private var beginsText: Bool
    private var assembler = TextAssembler()

    /// - Parameters:
    ///   - showsSpecial: whether special tokens appear by name; otherwise they produce no text.
    ///   - beginsText: whether the first token begins a text rather than continuing one. If so, the leading space that
    ///     SentencePiece vocabularies add is removed. It is always removed after special tokens.
    package init(_ tokenizer: Tokenizer, showsSpecial: Bool = false, beginsText: Bool = false) {
        self.tokenizer = tokenizer
        self.showsSpecial = showsSpecial
        self.beginsText = beginsText
    }

    /// Takes the next token and returns the text that it completes, possibly none.
    package mutating func append(_ token: Token) throws(TokenizerError) -> String {
        let isSpecial = try tokenizer.isSpecial(token)
        let bytes = try tokenizer.bytes(of: token)
        let piece = beginsText ? tokenizer.withoutSpacePrefix(bytes, of: token) : bytes
        beginsText = tokenizer.isMarker(token)
        guard showsSpecial || !isSpecial else { return "" }
        return assembler.append(piece)
    }

    /// Returns U+FFFD for an incomplete character, if there is one, and resets.
    package mutating func finish() -> String {
        assembler.finish()
    }
}
