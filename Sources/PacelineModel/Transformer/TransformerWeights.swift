import PacelineSpeculation
package import PacelineTensor

/// The weights of a transformer, packed for the kernels; the embedding table is looked up in the file.
package final class TransformerWeights {
    /// One block's weights. Matrices are (outputs x inputs).
    ///
    /// A class, because a pass hands each of them on several times, and copying so many references takes its time.
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
        let attentionOuterNorm: FloatMatrix?  // (1, embedding)
        let feedForwardNorm: FloatMatrix  // (1, embedding)
        let gate: PackedMatrix  // (feed-forward, embedding)
        let up: PackedMatrix  // (feed-forward, embedding)
        let down: PackedMatrix  // (embedding, feed-forward)
        let feedForwardOuterNorm: FloatMatrix?  // (1, embedding)

        /// What the input of the block is multiplied with.
        var inputs: [PackedMatrix] { [query, key, value] }

        init(_ index: Int, reader: WeightReader) throws {
            let shape = reader.configuration
            let name = { (part: String) in "blk.\(index).\(part)" }
            let wide = shape.embeddingLength
            let queries = shape.queryLength
            let keys = shape.keyValueLength
            let attention = try TransformerWeights.projections("blk.\(index).", reader: reader)
            let feedForward = try TransformerWeights.gateAndUp("blk.\(index).", reader: reader)
            attentionNorm = try reader.vector(name("attn_norm.weight"), count: wide)
            query = attention.query
            key = attention.key
            value = attention.value
            queryBias = try reader.bias(name("attn_q.bias"), count: queries)
            keyBias = try reader.bias(name("attn_k.bias"), count: keys)
            valueBias = try reader.bias(name("attn_v.bias"), count: keys)
            queryNorm = try reader.headNorm(name("attn_q_norm.weight"))
            keyNorm = try reader.headNorm(name("attn_k_norm.weight"))
            attentionOutput = try reader.matrix(name("attn_output.weight"), rows: wide, columns: queries)
            attentionOuterNorm = try reader.outerNorm(name("post_attention_norm.weight"))
            feedForwardNorm = try reader.vector(name("ffn_norm.weight"), count: wide)
            gate = feedForward.gate
            up = feedForward.up
            down = try reader.matrix(name("ffn_down.weight"), rows: wide, columns: shape.feedForwardLength)
            feedForwardOuterNorm = try reader.outerNorm(name("post_ffw_norm.weight"))
        }
    }

    package let layers: [Layer]
    /// Bytes in the file of the weights that one pass touches (of the embedding table, only if it is the output head).
    package let bytesPerPass: Int
    /// How many weights of each type that are: multiply-accumulates per row.
    package let weightsByType: [WeightType: Int]
    package var weightsPerPass: Int { weightsByType.values.reduce(0, +) }
    let outputNorm: FloatMatrix  // (1, embedding)
    let output: PackedMatrix  // (columns of logits, embedding)
    /// The tokens that the output head scores.
    package let columns: LogitColumns
    /// What the rotation frequencies are divided by, if anything: rope dimension / 2 values.
    let rotaryFactors: [Float]?
    private let embedding: GGUFTensor

    /// Reads and repacks all weights of a model.
    ///
    /// - Parameters:
    ///   - columns: the tokens to score: the rest of the output head is not kept.
    ///   - progress: called with the share done (0 … 1) after each block.
    /// - Throws: ``GGUFError`` for a missing tensor, a wrong shape or a weight type without kernels.
    package init(
        _ file: GGUFFile,
        configuration: ModelConfiguration,
        compute: Compute,
        columns: LogitColumns,
        progress: (Double) -> Void = { _ in }
    ) throws {
        try configuration.checkForKernels(file)
        let reader = WeightReader(file: file, configuration: configuration, compute: compute)
        let wide = configuration.embeddingLength
        embedding = try reader.tensor("token_embd.weight", rows: configuration.vocabularySize, columns: wide)
        outputNorm = try reader.vector("output_norm.weight", count: wide)
        rotaryFactors = try reader.rotaryFactors(configuration.rope)
        let outputName = configuration.hasTiedEmbeddings ? "token_embd.weight" : "output.weight"
        self.columns = columns
        output = try reader.head(outputName, self.columns)
        var layers: [Layer] = []
        for index in 0..<configuration.blockCount {
            layers.append(try Layer(index, reader: reader))
            progress(Double(index + 1) / Double(configuration.blockCount))
        }
        self.layers = layers
        let touched = file.tensors.values.filter {
            $0.dimensions.count == 2 && ($0.name != "token_embd.weight" || configuration.hasTiedEmbeddings)
        }
        // Of a trimmed head, only the rows that were kept.
        let missing = configuration.vocabularySize - self.columns.count
        let head = try file.tensor(outputName)
        bytesPerPass = touched.reduce(0) { $0 + $1.range.count } - missing * (head.range.count / head.rows)
        var weights = try touched.reduce(into: [:]) { $0[try file.weightType(of: $1), default: 0] += $1.elementCount }
        weights[try file.weightType(of: head), default: 0] -= missing * wide
        weightsByType = weights
    }

    /// Writes the embedding of `token` to a row of `output`.
    func embed(_ token: Token, into output: FloatMatrix, row: Int) {
        embedding.expandRow(Int(token), into: output, row: row)
    }

    /// The query, key and value projections: tensors of their own, or the rows of one in this order.
    fileprivate static func projections(
        _ prefix: String,
        reader: WeightReader
    ) throws -> (query: PackedMatrix, key: PackedMatrix, value: PackedMatrix) {
        let shape = reader.configuration
        let (queries, keys) = (shape.queryLength, shape.keyValueLength)
        let fused = { (rows: Range<Int>) in
            let total = queries + 2 * keys
            return try reader.matrix(prefix + "attn_qkv.weight", rows: rows, of: total, columns: shape.embeddingLength)
        }
        let own = { (part: String, rows: Int) in
            try reader.matrix(prefix + part, rows: rows, columns: shape.embeddingLength)
        }
        guard shape.architecture.hasFusedProjections else {
            return try (own("attn_q.weight", queries), own("attn_k.weight", keys), own("attn_v.weight", keys))
        }
        return try (
            fused(0..<queries), fused(queries..<queries + keys), fused(queries + keys..<queries + 2 * keys)
        )
    }

    /// The gate and up projections: tensors of their own, or the first and the second half of the rows of `ffn_up`.
    fileprivate static func gateAndUp(
        _ prefix: String,
        reader: WeightReader
    ) throws -> (gate: PackedMatrix, up: PackedMatrix) {
        let (rows, wide) = (reader.configuration.feedForwardLength, reader.configuration.embeddingLength)
        let up = prefix + "ffn_up.weight"
        guard reader.configuration.architecture.hasFusedProjections else {
            let gate = try reader.matrix(prefix + "ffn_gate.weight", rows: rows, columns: wide)
            return (gate, try reader.matrix(up, rows: rows, columns: wide))
        }
        let gate = try reader.matrix(up, rows: 0..<rows, of: 2 * rows, columns: wide)
        return (gate, try reader.matrix(up, rows: rows..<2 * rows, of: 2 * rows, columns: wide))
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
