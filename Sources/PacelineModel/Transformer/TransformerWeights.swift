import PacelineSpeculation
package import PacelineTensor

/// The weights of a transformer, packed for the kernels. The embedding table stays in the file.
package final class TransformerWeights {
    /// One block's weights. Matrices are (outputs x inputs).
    ///
    /// A class, because a pass passes each layer on several times, and copying a struct of 20 references is slow.
    package final class Layer {
        let attentionNorm: FloatMatrix  // (1, embedding)
        let query: PackedMatrix  // (heads · head dimension, embedding)
        let key: PackedMatrix  // (KV heads · head dimension, embedding)
        let value: PackedMatrix  // (KV heads · head dimension, embedding)
        let queryBias: FloatMatrix?
        let keyBias: FloatMatrix?
        let valueBias: FloatMatrix?
        let queryNorm: FloatMatrix?  // (1, head dimension)
        let keyNorm: FloatMatrix?  // (1, head dimension)
        let attentionOutput: PackedMatrix  // (embedding, heads · head dimension)
        let attentionOutputBias: FloatMatrix?
        let attentionOuterNorm: FloatMatrix?  // (1, embedding)
        let feedForwardNorm: FloatMatrix  // (1, embedding)
        let gate: PackedMatrix  // (feed-forward, embedding)
        let up: PackedMatrix  // (feed-forward, embedding)
        let down: PackedMatrix  // (embedding, feed-forward)
        let gateBias: FloatMatrix?
        let upBias: FloatMatrix?
        let downBias: FloatMatrix?
        let feedForwardOuterNorm: FloatMatrix?  // (1, embedding)

        /// The matrices that multiply the block's input.
        var inputs: [PackedMatrix] { [query, key, value] }

        init(_ tensors: BlockTensors, reader: WeightReader) throws {
            attentionNorm = try reader.vector(tensors.attentionNorm)
            query = try reader.matrix(tensors.query)
            key = try reader.matrix(tensors.key)
            value = try reader.matrix(tensors.value)
            queryBias = try tensors.queryBias.map(reader.vector)
            keyBias = try tensors.keyBias.map(reader.vector)
            valueBias = try tensors.valueBias.map(reader.vector)
            queryNorm = try tensors.queryNorm.map(reader.vector)
            keyNorm = try tensors.keyNorm.map(reader.vector)
            attentionOutput = try reader.matrix(tensors.attentionOutput)
            attentionOutputBias = try tensors.attentionOutputBias.map(reader.vector)
            attentionOuterNorm = try tensors.attentionOuterNorm.map(reader.vector)
            feedForwardNorm = try reader.vector(tensors.feedForwardNorm)
            gate = try reader.matrix(tensors.gate)
            up = try reader.matrix(tensors.up)
            down = try reader.matrix(tensors.down)
            gateBias = try tensors.gateBias.map(reader.vector)
            upBias = try tensors.upBias.map(reader.vector)
            downBias = try tensors.downBias.map(reader.vector)
            feedForwardOuterNorm = try tensors.feedForwardOuterNorm.map(reader.vector)
        }
    }

    package let layers: [Layer]
    /// Bytes of the weights that one pass touches, as stored in the file. Includes the embedding table only if it is
    /// the output head.
    package let bytesPerPass: Int
    /// The number of these weights by type: multiply-accumulates per row.
    package let weightsByType: [WeightType: Int]
    package var weightsPerPass: Int { weightsByType.values.reduce(0, +) }
    let outputNorm: FloatMatrix  // (1, embedding)
    let output: PackedMatrix  // (columns of logits, embedding)
    let outputBias: FloatMatrix?  // (1, columns of logits)
    /// The tokens that the output head scores.
    package let columns: LogitColumns
    /// Divisors of the rotation frequencies, rope dimension / 2 values; nil if there are none.
    let rotaryFactors: [Float]?
    private let embedding: GGUFTensor

    /// Reads and repacks all weights of a model.
    ///
    /// - Parameters:
    ///   - columns: the tokens to score. Loading drops the rest of the output head.
    ///   - progress: called with the share done (0 … 1) after each block.
    /// - Throws: ``GGUFError`` for a weight that is not finite, ``PackedMatrixError`` if memory runs out, and the
    ///   errors of loading OpenBLAS.
    package init(
        _ tensors: ModelTensors,
        configuration: ModelConfiguration,
        compute: Compute,
        columns: LogitColumns,
        progress: (Double) -> Void = { _ in }
    ) throws {
        let reader = WeightReader(file: tensors.file, compute: compute)
        embedding = tensors.embedding
        outputNorm = try reader.vector(tensors.outputNorm)
        rotaryFactors = try reader.rotaryFactors(configuration.rope, tensors.ropeFactors)
        self.columns = columns
        output = try reader.head(tensors.output, columns)
        outputBias = try tensors.outputBias.map { try reader.headBias($0, columns) }
        var layers: [Layer] = []
        for block in tensors.blocks {
            layers.append(try Layer(block, reader: reader))
            progress(Double(layers.count) / Double(configuration.blockCount))
        }
        self.layers = layers
        // Counts only the rows of the head that were kept.
        let missing = configuration.vocabularySize - columns.count
        let head = tensors.output
        bytesPerPass = tensors.matrices.reduce(0) { $0 + $1.byteCount } - missing * (head.range.count / head.rows)
        var weights: [WeightType: Int] = [:]
        for matrix in tensors.matrices {
            let type = try tensors.file.weightType(of: matrix.tensor)
            weights[type, default: 0] += matrix.range.count * matrix.tensor.columns
        }
        weights[try tensors.file.weightType(of: head), default: 0] -= missing * configuration.embeddingLength
        weightsByType = weights
    }

    /// Writes the embedding of `token` to a row of `output`.
    func embed(_ token: Token, into output: FloatMatrix, row: Int) {
        embedding.expandRow(Int(token), into: output, row: row)
    }
}

extension ModelConfiguration {
    /// Throws if the kernels do not support the shape.
    ///
    /// The kernels pad rows and heads of all other widths with zeros.
    func checkForKernels(_ file: GGUFFile) throws(GGUFError) {
        guard headDimension <= KVShape.headDimensionLimit else {
            throw file.error(
                .inconsistent(
                    "has heads of width \(headDimension), but the kernels take up to \(KVShape.headDimensionLimit); "
                        + "use another model"
                )
            )
        }
        guard queriesPerKey <= KVShape.queryGroupLimit else {
            throw file.error(
                .inconsistent(
                    "has \(queriesPerKey) query heads for each key head, but the kernels take up to "
                        + "\(KVShape.queryGroupLimit); use another model"
                )
            )
        }
    }
}
