package import PacelineSpeculation

/// Maps the columns of a row of logits to tokens: a prefix of the ids, and some later ones.
///
/// A full output head has a column for every token, but none for the padding of the vocabulary. A drafter's head may be
/// trimmed to frequent tokens, which have small ids: byte-pair vocabularies number tokens in the order of their merges.
/// FR-Spec (arXiv 2502.14856) also trims by frequency.
package struct LogitColumns: Sendable, Equatable {
    /// Columns 0 ..< `prefix` stand for the token ids 0 ..< `prefix`.
    package let prefix: Int
    /// The tokens of the columns from `prefix` on, in ascending order and none below `prefix`.
    package let others: [Token]

    /// A column for each of `vocabularySize` tokens.
    package init(all vocabularySize: Int) {
        prefix = vocabularySize
        others = []
    }

    /// Columns for the first `count` tokens and the `special` ones, or for all tokens if there are at most `count`.
    package init(first count: Int, special: Set<Token>, vocabularySize: Int) {
        prefix = min(count, vocabularySize)
        others = special.filter { $0 >= count && $0 < vocabularySize }.sorted()
    }

    /// Columns for the given tokens alone.
    ///
    /// - Parameter tokens: in ascending order.
    package init(_ tokens: [Token]) {
        let first = tokens.indices.first { tokens[$0] != $0 } ?? tokens.count
        (prefix, others) = (first, Array(tokens[first...]))
    }

    /// The columns of a model with this tokenizer.
    ///
    /// - Parameter first: the number of first tokens to score, in addition to the control tokens; nil for all tokens.
    ///   Padding has no column.
    package init(_ tokenizer: Tokenizer, first: Int? = nil) {
        self.init(
            first: first ?? tokenizer.tokenCount,
            special: tokenizer.controlTokens,
            vocabularySize: tokenizer.tokenCount
        )
    }

    package var count: Int { prefix + others.count }

    /// The token of `column`, which must be valid.
    package func token(_ column: Int) -> Token {
        column < prefix ? Token(column) : others[column - prefix]
    }

    /// The column of `token`; nil if it has none.
    package func column(of token: Token) -> Int? {
        if token < prefix { return Int(token) }
        var range = 0..<others.count
        while let middle = range.isEmpty ? nil : (range.lowerBound + range.upperBound) / 2 {
            if others[middle] == token { return prefix + middle }
            range = others[middle] < token ? middle + 1..<range.upperBound : range.lowerBound..<middle
        }
        return nil
    }
}
