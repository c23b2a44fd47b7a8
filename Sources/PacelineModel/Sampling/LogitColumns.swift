package import PacelineSpeculation

/// Which tokens the columns of a row of logits stand for: the first so many ids, and some later ones.
///
/// A model's own head has a column for every token, and none for the padding of its vocabulary. A drafter's may be
/// trimmed to the ids that occur most: byte-pair vocabularies number their tokens in the order of their merges, so that
/// frequent tokens have small ids (FR-Spec, arXiv 2502.14856, trims by frequency likewise).
package struct LogitColumns: Sendable, Equatable {
    /// Columns 0 ..< `prefix` stand for the tokens of the same number.
    package let prefix: Int
    /// The tokens of the columns from `prefix` on: ascending, none below `prefix`.
    package let others: [Token]

    /// A column for each of `vocabularySize` tokens.
    package init(all vocabularySize: Int) {
        prefix = vocabularySize
        others = []
    }

    /// Columns for the first `count` tokens and for `special` ones; for all tokens if there are no more than `count`.
    package init(first count: Int, special: Set<Token>, vocabularySize: Int) {
        prefix = min(count, vocabularySize)
        others = special.filter { $0 >= count && $0 < vocabularySize }.sorted()
    }

    /// The columns of a model with this tokenizer.
    ///
    /// - Parameter first: how many tokens to score, besides those that steer the model; nil for all. None of them is
    ///   padding.
    package init(_ tokenizer: Tokenizer, first: Int? = nil) {
        self.init(
            first: first ?? tokenizer.tokenCount,
            special: tokenizer.controlTokens,
            vocabularySize: tokenizer.tokenCount
        )
    }

    package var count: Int { prefix + others.count }

    /// The token of `column`, which must exist.
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
