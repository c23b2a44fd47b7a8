import PacelineTensor
import PacelineTraining

/// The weights of an EAGLE head as the kernels take them.
struct EagleWeights {
    let embeddingNorm: FloatMatrix?
    let featureNorm: FloatMatrix?
    let fusion: PackedMatrix  // (width, 2 · width): embedding, then feature
    let fusionBias: FloatMatrix?
    let inputNorm: FloatMatrix?
    /// Query, key and value.
    let projections: [PackedMatrix]
    /// The same three, or none.
    let biases: [FloatMatrix]
    let attentionOutput: PackedMatrix
    let feedForwardNorm: FloatMatrix
    let gate: PackedMatrix
    let up: PackedMatrix
    let down: PackedMatrix
    let outputNorm: FloatMatrix?

    /// - Parameter parameters: in the shape's layout.
    init(
        _ shape: EagleHead<Float>.Shape,
        _ parameters: [Float],
        _ precision: EagleNetwork.Precision,
        _ compute: Compute
    ) throws(PackedMatrixError) {
        let layout = shape.layout
        precondition(parameters.count == layout.count, "a head has all parameters of its layout")
        func vector(_ name: String) -> FloatMatrix? {
            layout[name].map { FloatMatrix(Array(parameters[$0.range])) }
        }
        func matrix(_ name: String) throws(PackedMatrixError) -> PackedMatrix {
            guard let slice = layout[name] else { preconditionFailure("every layer has \(name)") }
            return try PackedMatrix(
                parameters[slice.range],
                rows: slice.rows,
                type: precision == .float ? .f32 : .q8_0,
                compute: compute
            )
        }
        (embeddingNorm, featureNorm) = (vector("enorm.weight"), vector("hnorm.weight"))
        (fusion, fusionBias) = (try matrix("fc.weight"), vector("fc.bias"))
        inputNorm = vector("attn_norm.weight")
        projections = [try matrix("attn_q.weight"), try matrix("attn_k.weight"), try matrix("attn_v.weight")]
        biases = ["attn_q.bias", "attn_k.bias", "attn_v.bias"].compactMap(vector)
        attentionOutput = try matrix("attn_output.weight")
        guard let norm = vector("ffn_norm.weight") else { preconditionFailure("every layer has ffn_norm") }
        feedForwardNorm = norm
        (gate, up, down) = (try matrix("ffn_gate.weight"), try matrix("ffn_up.weight"), try matrix("ffn_down.weight"))
        outputNorm = vector("output_norm.weight")
    }
}

/// The activations of a pass of up to ``rows`` rows, reused by later passes.
struct EagleBuffers {
    let rows: Int
    let fusionInput: FloatMatrix  // (rows, 2 · width)
    let hidden: FloatMatrix  // (rows, width), as are the next four
    let normed: FloatMatrix
    let update: FloatMatrix
    let output: FloatMatrix
    let queries: FloatMatrix  // (rows, heads · head dimension)
    let keys: FloatMatrix  // (rows, key heads · head dimension)
    let values: FloatMatrix
    let attended: FloatMatrix  // (rows, heads · head dimension)
    let gate: FloatMatrix  // (rows, hidden)
    let up: FloatMatrix
    let quantised: QuantisedActivations
    let angles: RotaryAngles

    init(_ shape: EagleHead<Float>.Shape, rows: Int) {
        let (width, attention) = (shape.layer.width, shape.layer.attention)
        func matrix(_ columns: Int) -> FloatMatrix { FloatMatrix(rows: rows, columns: columns) }
        self.rows = rows
        fusionInput = matrix(2 * width)
        (hidden, normed, update, output) = (matrix(width), matrix(width), matrix(width), matrix(width))
        (queries, attended) = (matrix(attention.queryWidth), matrix(attention.queryWidth))
        (keys, values) = (matrix(attention.keyValueWidth), matrix(attention.keyValueWidth))
        (gate, up) = (matrix(shape.layer.hidden), matrix(shape.layer.hidden))
        let widest = max(2 * width, shape.layer.hidden, attention.queryWidth)
        quantised = QuantisedActivations(rows: rows, columns: widest)
        let rotary = shape.layer.rotary
        angles = RotaryAngles(
            rows: rows,
            dimensions: rotary.dimensions,
            theta: rotary.theta,
            factors: rotary.frequencyDivisors.map { $0.map(Float.init) },
            pairsHalves: rotary.pairing == .halves
        )
    }
}

/// Guessed features that get logits, apart from the activations: few rows of a long pass do.
struct EagleScores {
    let features: FloatMatrix  // (rows, width)
    let logits: FloatMatrix  // (rows, draft tokens)
    let quantised: QuantisedActivations

    init(_ vocabulary: TargetVocabulary, rows: Int) {
        features = FloatMatrix(rows: rows, columns: vocabulary.width)
        logits = FloatMatrix(rows: rows, columns: vocabulary.tokens.count)
        quantised = QuantisedActivations(rows: rows, columns: vocabulary.width)
    }
}
