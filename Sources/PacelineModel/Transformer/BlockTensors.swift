/// One block's tensors as stored in the file. Matrices are (outputs x inputs).
struct BlockTensors {
    let attentionNorm: GGUFTensor  // (embedding)
    let query: TensorSlice  // (heads · head dimension, embedding)
    let key: TensorSlice  // (KV heads · head dimension, embedding)
    let value: TensorSlice  // (KV heads · head dimension, embedding)
    let queryBias: TensorSlice?
    let keyBias: TensorSlice?
    let valueBias: TensorSlice?
    let queryNorm: GGUFTensor?  // (head dimension)
    let keyNorm: GGUFTensor?  // (head dimension)
    let attentionOutput: GGUFTensor  // (embedding, heads · head dimension)
    let attentionOutputBias: GGUFTensor?
    let attentionOuterNorm: GGUFTensor?  // (embedding)
    let feedForwardNorm: GGUFTensor  // (embedding)
    let gate: TensorSlice  // (feed-forward, embedding)
    let up: TensorSlice  // (feed-forward, embedding)
    let down: GGUFTensor  // (embedding, feed-forward)
    let gateBias: GGUFTensor?
    let upBias: GGUFTensor?
    let downBias: GGUFTensor?
    let feedForwardOuterNorm: GGUFTensor?  // (embedding)

    init(_ index: Int, _ shape: ModelConfiguration, _ claims: inout TensorClaims) throws(GGUFError) {
        let prefix = "blk.\(index)."
        let architecture = shape.architecture
        let (wide, heads) = (shape.embeddingLength, shape.headDimension)
        attentionNorm = try claims.vector(prefix + "attn_norm.weight", count: wide)
        let projections = try Self.projections(prefix, shape, &claims)
        (query, key, value) = (projections[0].weight, projections[1].weight, projections[2].weight)
        (queryBias, keyBias, valueBias) = (projections[0].bias, projections[1].bias, projections[2].bias)
        let hasNorm = architecture.hasQueryKeyNorm
        queryNorm = hasNorm ? try claims.vector(prefix + "attn_q_norm.weight", count: heads) : nil
        keyNorm = hasNorm ? try claims.vector(prefix + "attn_k_norm.weight", count: heads) : nil
        attentionOutput = try claims.matrix(prefix + "attn_output.weight", rows: wide, columns: shape.queryLength)
        attentionOutputBias = try claims.bias(prefix + "attn_output.bias", wide, .attentionOutput, architecture)
        let outer = architecture.hasOuterNorms
        attentionOuterNorm = outer ? try claims.vector(prefix + "post_attention_norm.weight", count: wide) : nil
        feedForwardNorm = try claims.vector(prefix + "ffn_norm.weight", count: wide)
        (gate, up) = try Self.gateAndUp(prefix, shape, &claims)
        down = try claims.matrix(prefix + "ffn_down.weight", rows: wide, columns: shape.feedForwardLength)
        gateBias = try claims.bias(prefix + "ffn_gate.bias", shape.feedForwardLength, .feedForward, architecture)
        upBias = try claims.bias(prefix + "ffn_up.bias", shape.feedForwardLength, .feedForward, architecture)
        downBias = try claims.bias(prefix + "ffn_down.bias", wide, .feedForward, architecture)
        feedForwardOuterNorm = outer ? try claims.vector(prefix + "post_ffw_norm.weight", count: wide) : nil
    }

    /// The weight matrices that a pass multiplies.
    var matrices: [TensorSlice] {
        [query, key, value, TensorSlice(matrix: attentionOutput), gate, up, TensorSlice(matrix: down)]
    }

    /// Norms and biases.
    var vectors: [TensorSlice] {
        let whole = [
            attentionNorm, queryNorm, keyNorm, attentionOutputBias, attentionOuterNorm, feedForwardNorm, gateBias,
            upBias, downBias, feedForwardOuterNorm,
        ]
        return [queryBias, keyBias, valueBias].compactMap(\.self)
            + whole.compactMap(\.self).map(TensorSlice.init(vector:))
    }

    private typealias Projection = (weight: TensorSlice, bias: TensorSlice?)

    /// The query, key and value projections: separate tensors, or parts of one tensor in this order.
    private static func projections(
        _ prefix: String,
        _ shape: ModelConfiguration,
        _ claims: inout TensorClaims
    ) throws(GGUFError) -> [Projection] {
        let (queries, keys, columns) = (shape.queryLength, shape.keyValueLength, shape.embeddingLength)
        let architecture = shape.architecture
        guard architecture.hasFusedProjections else {
            var own: [Projection] = []
            for (part, rows) in [("attn_q", queries), ("attn_k", keys), ("attn_v", keys)] {
                let weight = try claims.matrix(prefix + part + ".weight", rows: rows, columns: columns)
                let bias = try claims.bias(prefix + part + ".bias", rows, .queryKeyValue, architecture)
                own.append((TensorSlice(matrix: weight), bias.map(TensorSlice.init(vector:))))
            }
            return own
        }
        let total = queries + 2 * keys
        let weight = try claims.matrix(prefix + "attn_qkv.weight", rows: total, columns: columns)
        let bias = try claims.bias(prefix + "attn_qkv.bias", total, .queryKeyValue, architecture)
        return [0..<queries, queries..<queries + keys, queries + keys..<total].map { range in
            (TensorSlice(weight, range), bias.map { TensorSlice($0, range) })
        }
    }

    /// The gate and up projections: separate tensors, or the first and the second half of the rows of `ffn_up`.
    private static func gateAndUp(
        _ prefix: String,
        _ shape: ModelConfiguration,
        _ claims: inout TensorClaims
    ) throws(GGUFError) -> (gate: TensorSlice, up: TensorSlice) {
        let (rows, columns) = (shape.feedForwardLength, shape.embeddingLength)
        guard shape.architecture.hasFusedProjections else {
            let gate = try claims.matrix(prefix + "ffn_gate.weight", rows: rows, columns: columns)
            let up = try claims.matrix(prefix + "ffn_up.weight", rows: rows, columns: columns)
            return (TensorSlice(matrix: gate), TensorSlice(matrix: up))
        }
        let both = try claims.matrix(prefix + "ffn_up.weight", rows: 2 * rows, columns: columns)
        return (TensorSlice(both, 0..<rows), TensorSlice(both, rows..<2 * rows))
    }
}

extension TensorClaims {
    /// Claims a bias that the family must or may have. Returns nil, and leaves the file's bias unclaimed, if the family
    /// has none of this kind.
    mutating func bias(
        _ name: String,
        _ count: Int,
        _ kind: Architecture.Biases,
        _ architecture: Architecture
    ) throws(GGUFError) -> GGUFTensor? {
        if architecture.requiredBiases.contains(kind) { return try vector(name, count: count) }
        return architecture.optionalBiases.contains(kind) ? try vectorIfPresent(name, count: count) : nil
    }
}
