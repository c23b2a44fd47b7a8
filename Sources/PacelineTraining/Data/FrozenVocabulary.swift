/// The target's own parts that a head uses and does not change: embeddings and a slice of the output matrix.
package struct FrozenVocabulary<Scalar: TrainingScalar>: Equatable, Sendable {
    package let embedding: EmbeddingTable<Scalar>
    package let output: OutputSlice<Scalar>
    package let vocabulary: DraftVocabulary

    /// - Parameters:
    ///   - embedding: tokens × width.
    ///   - output: draft tokens × width.
    package init(
        embedding: EmbeddingTable<Scalar>,
        output: OutputSlice<Scalar>,
        vocabulary: DraftVocabulary
    ) throws(TrainingDataError) {
        guard output.rows.rows == vocabulary.count else {
            throw .outputRows(found: output.rows.rows, draftTokens: vocabulary.count)
        }
        (self.embedding, self.output, self.vocabulary) = (embedding, output, vocabulary)
    }

    func check(width: Int) throws(TrainingDataError) {
        guard embedding.width == width else {
            throw .frozenWidth(part: "embeddings", found: embedding.width, expected: width)
        }
        guard output.rows.columns == width else {
            throw .frozenWidth(part: "rows of the output slice", found: output.rows.columns, expected: width)
        }
    }
}
