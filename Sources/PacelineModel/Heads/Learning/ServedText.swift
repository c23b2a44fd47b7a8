package import PacelineSpeculation
package import PacelineTraining

/// Consecutive tokens of a text that the target has answered, with its features of them: what a head can learn from
/// when it has been served.
///
/// Of the target's law only its choice is known, so that counts as certain.
package struct ServedText: Equatable, Sendable {
    /// The token of each row of features, and maybe the one behind the last.
    package let tokens: [Token]
    package let features: FeatureBlock
    /// How many of the first tokens the target was given. The rest is its own.
    package let given: Int

    /// - Parameters:
    ///   - tokens: as many as there are rows of features, or one more.
    ///   - features: at least one row.
    package init(tokens: [Token], features: FeatureBlock, given: Int) {
        precondition(features.count > 0 && (0...1).contains(tokens.count - features.count))
        (self.tokens, self.features, self.given) = (tokens, features, max(0, min(given, tokens.count)))
    }

    package var byteCount: Int { features.values.count * 2 + tokens.count * 4 }

    /// The rows whose next token the target has said.
    package var learned: Range<Int> {
        let end = tokens.count - 1
        return min(max(0, given - 1), end)..<end
    }

    /// The rows to learn, in pieces of at most `length`.
    package func pieces(of length: Int) -> [Range<Int>] {
        stride(from: learned.lowerBound, to: learned.upperBound, by: length).map { start in
            start..<min(start + length, learned.upperBound)
        }
    }

    /// Some rows as an example.
    ///
    /// - Parameters:
    ///   - rows: a part of ``learned``.
    ///   - context: how many rows before them it has too, at most.
    package func sequence(learning rows: Range<Int>, context: Int) -> TrainingSequence<Float> {
        let all = max(0, rows.lowerBound - context)..<rows.upperBound
        let numbers = features.values[all.lowerBound * features.rowLength..<all.upperBound * features.rowLength]
        return TrainingSequence(
            tokens: all.map { Int(tokens[$0]) },
            features: Matrix(rows: all.count, columns: features.rowLength, values: numbers.map(Float.init)),
            top: all.map { row in
                rows.contains(row) ? [TopToken(token: Int(tokens[row + 1]), logProbability: 0)] : []
            }
        )
    }
}
