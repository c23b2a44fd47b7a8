/// Sequences as the rows of Medusa's heads.
struct MedusaBatch<Scalar: TrainingScalar> {
    private let sequences: [TrainingSequence<Scalar>]
    private let batchCount: Int
    /// With noise; all positions of all sequences × width.
    private let features: Matrix<Scalar>
    private let tokens: [Int]

    init(_ sequences: [TrainingSequence<Scalar>], _ conditions: LossConditions, featureScale: Double) {
        (self.sequences, batchCount) = (sequences, conditions.batchCount)
        var values: [Scalar] = []
        for (index, sequence) in sequences.enumerated() {
            var read = sequence.features.values
            read.addNoise(conditions, sequence: index, unit: featureScale)
            values += read
        }
        tokens = sequences.flatMap(\.tokens)
        features = Matrix(rows: tokens.count, columns: sequences.first?.features.columns ?? 0, values: values)
    }

    /// The positions that a head learns from.
    struct Rows {
        /// In the batch.
        var positions: [Int] = []
        var targets = SoftTargets<Scalar>()
        /// Rows of a sequence count the same, and so do sequences.
        var weights: [Double] = []
    }

    /// All positions p for which the text has t_{p+1+head}, and the target's opinion on the token after that.
    func rows(head: Int, _ vocabulary: DraftVocabulary, _ mix: TokenLossMix) -> Rows {
        var (rows, start) = (Rows(), 0)
        for sequence in sequences {
            let tops = sequence.top.dropFirst(1 + head)
            let learned = tops.count { !$0.isEmpty }
            for (position, top) in tops.enumerated() {
                rows.positions.append(start + position)
                rows.targets.append(top, vocabulary: vocabulary, mix: mix)
                rows.weights.append(top.isEmpty ? 0 : 1 / Double(learned * batchCount))
            }
            start += sequence.count
        }
        return rows
    }

    /// What a head reads: features, and for Hydra the embeddings of the tokens after them. rows × inputs.
    func input(
        head: Int,
        _ rows: Rows,
        _ shape: MedusaHeads<Scalar>.Shape,
        _ embedding: EmbeddingTable<Scalar>
    ) -> Matrix<Scalar> {
        let features = features.gathering(rows.positions)
        guard shape.readsTokens else { return features }
        let embeddings = (0...head).map { distance in
            embedding.embed(rows.positions.map { tokens[$0 + 1 + distance] })
        }
        return Matrix(joining: [features] + embeddings)
    }
}
