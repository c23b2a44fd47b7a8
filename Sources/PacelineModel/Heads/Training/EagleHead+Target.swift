import PacelineTensor
package import PacelineTraining

extension EagleHead<Float>.Shape {
    /// Paceline's own head with a layer like those of a target.
    ///
    /// - Parameter hidden: the width of its feed-forward block; that of the target, but not more than twice its
    ///   embeddings' where these are wide, unless given.
    package init(for model: ModelFile, hidden: Int? = nil) {
        let target = model.configuration
        let layer = DecoderLayer.Shape(
            width: target.embeddingLength,
            attention: CausalAttention(
                heads: target.headCount,
                keyValueHeads: target.keyValueHeadCount,
                headDimension: target.headDimension
            ),
            hidden: hidden ?? min(target.feedForwardLength, max(2 * target.embeddingLength, 1536)),
            rotary: RotaryEmbedding(
                dimensions: target.rope.dimension,
                pairing: target.rope.style == .halves ? .halves : .neighbours,
                theta: Double(target.rope.base)
            ),
            normEpsilon: Double(target.normEpsilon),
            hasAttentionBias: model.tensors.blocks.contains { $0.queryBias != nil }
        )
        self.init(layer: layer)
    }
}

extension FrozenVocabulary<Float> {
    /// The parts of a target that its heads use, as float32.
    ///
    /// - Parameter tokens: the tokens that need an embedding, in ascending order.
    /// - Throws: ``TrainingDataError`` if the vocabulary is another target's.
    package init(_ model: ModelFile, _ vocabulary: DraftVocabulary, tokens: [Int]) throws(TrainingDataError) {
        let (embedding, output) = (model.tensors.embedding, model.tensors.output)
        try self.init(
            embedding: EmbeddingTable(tokens: tokens, rows: Matrix(embedding, rows: tokens)),
            output: OutputSlice(rows: Matrix(output, rows: vocabulary.targetTokens)),
            vocabulary: vocabulary
        )
    }
}

extension EagleHead<Float> {
    /// Parameters to begin with.
    ///
    /// - Parameter copiesLayer: whether the layer begins as the target's last one, as far as the shapes agree. The norm
    ///   behind it always begins as the target's.
    package func initialParameters(seed: UInt64, from model: ModelFile, copiesLayer: Bool) -> [Float] {
        var parameters = initialParameters(seed: seed)
        let last = model.configuration.blockCount - 1
        for tensor in layout.tensors {
            let isOutput = tensor.name == "output_norm.weight"
            guard isOutput || copiesLayer else { continue }
            let slice = tensor.slice
            let shape = slice.rows > 1 ? [slice.columns, slice.rows] : [slice.columns]
            let name = isOutput ? tensor.name : "blk.\(last).\(tensor.name)"
            guard let source = model.file.tensors[name], source.dimensions == shape, source.isSupported else {
                continue
            }
            parameters.replaceSubrange(slice.range, with: Matrix(source, rows: Array(0..<source.rows)).values)
        }
        return parameters
    }
}

extension Matrix<Float> {
    /// Some rows of a tensor.
    init(_ tensor: GGUFTensor, rows: [Int]) {
        var values: [Float] = []
        values.reserveCapacity(rows.count * tensor.columns)
        let row = FloatMatrix(rows: 1, columns: tensor.columns)
        for index in rows {
            tensor.expandRow(index, into: row, row: 0)
            values += row.row(0)
        }
        self.init(rows: rows.count, columns: tensor.columns, values: values)
    }
}
