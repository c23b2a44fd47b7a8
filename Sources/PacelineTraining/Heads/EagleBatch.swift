import PacelineSpeculation

/// Sequences as rows of an EAGLE head, one after the other. A sequence of n tokens gives n - 1 rows.
package struct EagleBatch<Scalar: TrainingScalar>: Sendable {
    /// What the layout of rows depends on.
    struct Layout {
        let rotary: RotaryEmbedding
        let vocabulary: DraftVocabulary
        let mix: TokenLossMix
    }

    package let rows: SequenceRows<Scalar>
    /// t_{i+1}.
    package let tokens: [Int]
    /// f_i, with noise: what step 0 reads, and the first rows of all steps. rows × width.
    package let features: Matrix<Scalar>
    /// f_{i+1}, without noise. rows × width.
    package let nextFeatures: Matrix<Scalar>
    /// What the target says at position i + 1, which is about t_{i+2}.
    package let targets: SoftTargets<Scalar>
    /// Whether a row is to be learned.
    let isLearned: [Bool]
    private let batchCount: Int

    init(
        _ sequences: [TrainingSequence<Scalar>],
        _ layout: Layout,
        _ conditions: LossConditions,
        featureScale: Double
    ) {
        var (segments, tokens, isLearned) = ([Range<Int>](), [Int](), [Bool]())
        var (features, nextFeatures) = ([Scalar](), [Scalar]())
        var targets = SoftTargets<Scalar>()
        for (index, sequence) in sequences.enumerated() {
            segments.append(tokens.count..<tokens.count + sequence.count - 1)
            tokens += sequence.tokens.dropFirst()
            var read = Array(sequence.features.values.dropLast(sequence.features.columns))
            read.addNoise(conditions, sequence: index, unit: featureScale)
            features += read
            nextFeatures += sequence.features.values.dropFirst(sequence.features.columns)
            for top in sequence.top.dropFirst() {
                targets.append(top, vocabulary: layout.vocabulary, mix: layout.mix)
                isLearned.append(!top.isEmpty)
            }
        }
        let width = sequences.first?.features.columns ?? 0
        rows = SequenceRows(segments: segments, rotary: layout.rotary)
        (self.tokens, self.targets, self.isLearned) = (tokens, targets, isLearned)
        self.features = Matrix(rows: tokens.count, columns: width, values: features)
        self.nextFeatures = Matrix(rows: tokens.count, columns: width, values: nextFeatures)
        batchCount = conditions.batchCount
    }

    /// The weight of each row's loss in a step: rows of a sequence count the same, and so do sequences.
    ///
    /// The first `step` rows of a sequence have no weight, since nothing was guessed that could have been fed to them.
    func weights(step: Int) -> [Double] {
        var weights = [Double](repeating: 0, count: rows.count)
        for segment in rows.segments {
            let learned = segment.dropFirst(step).filter { isLearned[$0] }
            for row in learned { weights[row] = 1 / Double(learned.count * batchCount) }
        }
        return weights
    }

    /// What the next step reads: a step's guesses, each one row later. First rows keep the target's features.
    func features(after guesses: Matrix<Scalar>) -> Matrix<Scalar> {
        var next = features
        let width = next.columns
        for segment in rows.segments {
            let from = segment.lowerBound * width..<(segment.upperBound - 1) * width
            next.values.replaceSubrange(
                from.lowerBound + width..<from.upperBound + width,
                with: guesses.values[from]
            )
        }
        return next
    }
}

extension Array where Element: TrainingScalar {
    /// Adds uniform noise that depends on seed and sequence alone.
    ///
    /// - Parameters:
    ///   - sequence: its index in the part of the batch.
    ///   - unit: the features' standard deviation.
    mutating func addNoise(_ conditions: LossConditions, sequence: Int, unit: Double) {
        guard conditions.noise > 0 else { return }
        let seed = SplitMix.mixed(conditions.noiseSeed, conditions.firstSequence + sequence)
        var generator = SplitMix(seed: seed)
        let size = 2 * conditions.noise * unit
        for index in indices { self[index] += Element((generator.nextUnit() - 0.5) * size) }
    }
}
