package import PacelineSpeculation

/// The tokens with which a model fills a gap: the text before it and the text behind it come first, then the gap.
///
/// Source: Bavarian et al., "Efficient Training of Language Models to Fill in the Middle", 2022, the order
/// prefix-suffix-middle.
package struct InfillTokens: Sendable, Equatable {
    /// Before the text that precedes the gap.
    package let prefix: Token
    /// Before the text that follows the gap.
    package let suffix: Token
    /// Before the text of the gap, which the model writes.
    package let middle: Token

    /// The keys of files, newer names first.
    private static let keys = [["fim_pre", "prefix"], ["fim_suf", "suffix"], ["fim_mid", "middle"]]

    /// The names of the tokens in families whose files name none, in the same order.
    private static let names = [
        ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"], ["<fim_prefix>", "<fim_suffix>", "<fim_middle>"],
        ["<fim-prefix>", "<fim-suffix>", "<fim-middle>"], ["<PRE>", "<SUF>", "<MID>"], ["▁<PRE>", "▁<SUF>", "▁<MID>"],
        ["<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"],
    ]

    /// nil if the model has no such tokens.
    package init?(_ file: GGUFFile, tokenizer: Tokenizer) throws {
        let named = try Self.keys.map { keys in
            try keys.lazy.compactMap { try MarkerTokens.token($0, file, count: tokenizer.tokenCount) }.first
        }
        if let prefix = named[0], let suffix = named[1], let middle = named[2] {
            (self.prefix, self.suffix, self.middle) = (prefix, suffix, middle)
            return
        }
        let special = tokenizer.vocabulary.tokens(of: [.control, .userDefined])
        let known = special.map { (String(decoding: $0.bytes, as: UTF8.self), $0.token) }
        let tokens = Dictionary(known) { first, _ in first }
        for names in Self.names {
            let found = names.compactMap { tokens[$0] }
            guard found.count == names.count else { continue }
            (prefix, suffix, middle) = (found[0], found[1], found[2])
            return
        }
        return nil
    }

    /// A prompt for the text between two others.
    ///
    /// - Parameter addsBOS: whether the token that begins a sequence comes first, if the model expects it.
    package func prompt(before: String, after: String, tokenizer: Tokenizer, addsBOS: Bool) -> [Token] {
        let begin = addsBOS && tokenizer.prefersBOS ? tokenizer.bos : nil
        return [begin].compactMap(\.self) + [prefix] + tokenizer.encode(before, parseSpecial: false)
            + [suffix] + tokenizer.encode(after, parseSpecial: false) + [middle]
    }
}
