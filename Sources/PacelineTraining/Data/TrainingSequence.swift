/// One text and what the target thought while it read or wrote it: an example to train on.
///
/// Position i holds token t_i, the target's features f_i after it has read t_i, and its most probable tokens for
/// position i + 1.
package struct TrainingSequence<Scalar: TrainingScalar>: Equatable, Sendable {
    package let tokens: [Int]
    /// positions × feature width.
    package let features: Matrix<Scalar>
    /// By position; empty where nothing is to be learned (in a prompt).
    package let top: [[TopToken]]

    package init(tokens: [Int], features: Matrix<Scalar>, top: [[TopToken]]) {
        (self.tokens, self.features, self.top) = (tokens, features, top)
    }

    package var count: Int { tokens.count }

    /// Checks what a head relies on.
    ///
    /// - Parameters:
    ///   - index: the sequence's number, for the error.
    ///   - featureWidth: what the head reads per position.
    ///   - least: how many tokens it needs.
    @_specialize(where Scalar == Float)
    func check(index: Int, featureWidth: Int, least: Int) throws(TrainingDataError) {
        guard count >= least else { throw .tooShort(sequence: index, tokens: count, needed: least) }
        guard features.rows == count else {
            throw .shape(sequence: index, part: "rows of features", found: features.rows, expected: count)
        }
        guard features.columns == featureWidth else {
            throw .shape(sequence: index, part: "features a row", found: features.columns, expected: featureWidth)
        }
        guard top.count == count else {
            throw .shape(sequence: index, part: "rows of probable tokens", found: top.count, expected: count)
        }
        guard features.values.allSatisfy({ $0.isFinite }) else { throw .notFinite(sequence: index, part: "features") }
        for (position, top) in top.enumerated() where !top.allSatisfy({ $0.logProbability <= 0 }) {
            throw .logProbability(sequence: index, position: position)
        }
    }
}
