import PacelineSpeculation
package import PacelineTensor

/// The weights of a transformer, packed for the kernels; the embedding table is looked up in the file.
package final class TransformerWeights {
    /// One block's weights. Matrices are (outputs x inputs).
    package struct Layer {
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
        let feedForwardNorm: FloatMatrix  // (1, embedding)
        let gate: PackedMatrix  // (feed-forward, embedding)
        let up: PackedMatrix  // (feed-forward, embedding)
        let down: PackedMatrix  // (embedding, feed-forward)
    }

    package let layers: [Layer]
    /// Bytes in the file of the weights that one pass touches (of the embedding table, only if it is the output head).
    package let bytesPerPass: Int
    /// How many weights that are: multiply-accumulates per row.
    package let weightsPerPass: Int
    let outputNorm: FloatMatrix  // (1, embedding)
    let output: PackedMatrix  // (vocabulary, embedding)
    /// What the rotation frequencies are divided by, if anything: rope dimension / 2 values.
    let rotaryFactors: [Float]?
    private let embedding: GGUFTensor

    /// Reads and repacks all weights of a model.
    ///
    /// - Parameter progress: called with the share done (0 … 1) after each block.
    /// - Throws: ``GGUFError`` for a missing tensor, a wrong shape or a weight type without kernels.
    package init(
        _ file: GGUFFile,
        configuration: ModelConfiguration,
        compute: Compute,
        progress: (Double) -> Void = { _ in }
    ) throws {
        try configuration.checkForKernels(file)
        let reader = WeightReader(file: file, configuration: configuration, compute: compute)
        let wide = configuration.embeddingLength
        embedding = try reader.tensor("token_embd.weight", rows: configuration.vocabularySize, columns: wide)
        outputNorm = try reader.vector("output_norm.weight", count: wide)
        rotaryFactors = try reader.rotaryFactors()
        let outputName = configuration.hasTiedEmbeddings ? "token_embd.weight" : "output.weight"
        output = try reader.matrix(outputName, rows: configuration.vocabularySize, columns: wide)
        var layers: [Layer] = []
        for index in 0..<configuration.blockCount {
            layers.append(try Self.layer(index, reader: reader))
            progress(Double(index + 1) / Double(configuration.blockCount))
        }
        self.layers = layers
        let touched = file.tensors.values.filter {
            $0.dimensions.count == 2 && ($0.name != "token_embd.weight" || configuration.hasTiedEmbeddings)
        }
        bytesPerPass = touched.reduce(0) { $0 + $1.range.count }
        weightsPerPass = touched.reduce(0) { $0 + $1.elementCount }
    }

    /// Writes the embedding of `token` to a row of `output`.
    func embed(_ token: Token, into output: FloatMatrix, row: Int) {
        embedding.expandRow(Int(token), into: output, row: row)
    }

    private static func layer(_ index: Int, reader: WeightReader) throws -> Layer {
        let shape = reader.configuration
        let name = { (part: String) in "blk.\(index).\(part)" }
        let wide = shape.embeddingLength
        let queries = shape.queryLength
        let keys = shape.keyValueLength
        return Layer(
            attentionNorm: try reader.vector(name("attn_norm.weight"), count: wide),
            query: try reader.matrix(name("attn_q.weight"), rows: queries, columns: wide),
            key: try reader.matrix(name("attn_k.weight"), rows: keys, columns: wide),
            value: try reader.matrix(name("attn_v.weight"), rows: keys, columns: wide),
            queryBias: try reader.bias(name("attn_q.bias"), count: queries),
            keyBias: try reader.bias(name("attn_k.bias"), count: keys),
            valueBias: try reader.bias(name("attn_v.bias"), count: keys),
            queryNorm: try reader.optionalVector(name("attn_q_norm.weight"), count: shape.headDimension),
            keyNorm: try reader.optionalVector(name("attn_k_norm.weight"), count: shape.headDimension),
            attentionOutput: try reader.matrix(name("attn_output.weight"), rows: wide, columns: queries),
            feedForwardNorm: try reader.vector(name("ffn_norm.weight"), count: wide),
            gate: try reader.matrix(name("ffn_gate.weight"), rows: shape.feedForwardLength, columns: wide),
            up: try reader.matrix(name("ffn_up.weight"), rows: shape.feedForwardLength, columns: wide),
            down: try reader.matrix(name("ffn_down.weight"), rows: wide, columns: shape.feedForwardLength)
        )
    }
}

extension ModelConfiguration {
    /// Throws where a shape is sound but not one that the kernels compute.
    fileprivate func checkForKernels(_ file: GGUFFile) throws(GGUFError) {
        guard headDimension.isMultiple(of: 16), headDimension <= KVShape.headDimensionLimit else {
            throw file.error(
                .inconsistent(
                    "has heads of width \(headDimension), but the kernels need a multiple of 16 up to "
                        + "\(KVShape.headDimensionLimit); use another model"
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
        for (name, width) in [
            ("embedding", embeddingLength), ("feed-forward", feedForwardLength), ("attention", queryLength),
        ] where !width.isMultiple(of: 32) {
            throw file.error(
                .inconsistent(
                    "has \(name) rows of width \(width), but the kernels need a multiple of 32; use another model"
                )
            )
        }
    }
}
