import PacelineTensor
import PacelineTraining

/// Turns features that a head guesses into logits, through the target's output matrix.
///
/// Its buffers are apart from those of the head's pass: few rows of a long pass get logits.
struct HeadScores {
    private let vocabulary: TargetVocabulary
    private let compute: Compute
    private var features: FloatMatrix  // (rows, width)
    private var logits: FloatMatrix  // (rows, draft tokens)
    private var quantised: QuantisedActivations

    init(_ vocabulary: TargetVocabulary, _ compute: Compute) {
        (self.vocabulary, self.compute) = (vocabulary, compute)
        (features, logits, quantised) = Self.buffers(vocabulary, rows: 8)
    }

    private static func buffers(
        _ vocabulary: TargetVocabulary,
        rows: Int
    ) -> (FloatMatrix, FloatMatrix, QuantisedActivations) {
        (
            FloatMatrix(rows: rows, columns: vocabulary.width),
            FloatMatrix(rows: rows, columns: vocabulary.tokens.count),
            QuantisedActivations(rows: rows, columns: vocabulary.width)
        )
    }

    /// The logits of guessed features: features × draft tokens; valid until they are asked for again.
    ///
    /// - Parameter guesses: at least one.
    mutating func logits(of guesses: [[Float]]) -> FloatMatrix {
        let count = guesses.count
        if features.rows < count { (features, logits, quantised) = Self.buffers(vocabulary, rows: count) }
        for (row, guess) in guesses.enumerated() { features.setRow(row, to: guess[...]) }
        if !vocabulary.output.type.isFloat { compute.quantise(features, rows: count, into: quantised) }
        compute.multiply(features, quantised: quantised, rows: count, [(matrix: vocabulary.output, output: logits)])
        return logits
    }
}
