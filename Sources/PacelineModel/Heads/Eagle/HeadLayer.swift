import PacelineTensor
import PacelineTraining

/// The layer of a head on the kernels of the engine: attention to a context, and a feed-forward block, each with its
/// residual.
struct HeadLayer {
    private let shape: DecoderLayer.Shape
    private let compute: Compute
    /// Query, key and value.
    private let projections: [PackedMatrix]
    /// The same three, or none.
    private let biases: [FloatMatrix]
    private let attentionOutput: PackedMatrix
    private let feedForwardNorm: FloatMatrix
    private let gate: PackedMatrix
    private let up: PackedMatrix
    private let down: PackedMatrix
    private var buffers: HeadLayerBuffers

    init(_ shape: DecoderLayer.Shape, _ weights: HeadWeights, _ compute: Compute) throws(PackedMatrixError) {
        (self.shape, self.compute) = (shape, compute)
        projections = [
            try weights.matrix("attn_q.weight"), try weights.matrix("attn_k.weight"),
            try weights.matrix("attn_v.weight"),
        ]
        biases = ["attn_q.bias", "attn_k.bias", "attn_v.bias"].compactMap(weights.vectorIfPresent)
        attentionOutput = try weights.matrix("attn_output.weight")
        feedForwardNorm = weights.vector("ffn_norm.weight")
        gate = try weights.matrix("ffn_gate.weight")
        up = try weights.matrix("ffn_up.weight")
        down = try weights.matrix("ffn_down.weight")
        buffers = HeadLayerBuffers(shape, rows: 8)
    }

    /// A context without rows.
    var emptyContext: FloatKeyValues {
        FloatKeyValues(heads: shape.attention.keyValueHeads, headDimension: shape.attention.headDimension)
    }

    /// - Parameters:
    ///   - input: what queries, keys and values read, a row for each of `rows`.
    ///   - hidden: the residual, which the layer's output replaces.
    mutating func forward(
        _ input: FloatMatrix,
        _ hidden: FloatMatrix,
        _ rows: [SelfFedRow],
        context: inout FloatKeyValues
    ) {
        if buffers.rows < rows.count { buffers = HeadLayerBuffers(shape, rows: rows.count) }
        attend(input, hidden, rows, &context)
        feedForward(hidden, rows.count)
    }

    private func attend(
        _ input: FloatMatrix,
        _ hidden: FloatMatrix,
        _ rows: [SelfFedRow],
        _ context: inout FloatKeyValues
    ) {
        let size = shape.attention.headDimension
        for (index, row) in rows.enumerated() { buffers.angles.set(row: index, position: row.position) }
        let parts = [buffers.queries, buffers.keys, buffers.values]
        multiply(input, rows.count, Array(zip(projections, parts)))
        for (bias, part) in zip(biases, parts) { compute.addBias(bias, to: part, rows: rows.count) }
        for part in parts.dropLast() {
            compute.rotate(part, rows: rows.count, headDimension: size, angles: buffers.angles)
        }
        context.append(keys: buffers.keys, values: buffers.values, rows: rows.count)
        context.attend(
            buffers.queries,
            rows.map(\.view),
            scale: 1 / Float(size).squareRoot(),
            into: buffers.attended,
            compute: compute
        )
        multiply(buffers.attended, rows.count, [(attentionOutput, buffers.update)])
        compute.add(buffers.update, to: hidden, rows: rows.count)
    }

    private func feedForward(_ hidden: FloatMatrix, _ count: Int) {
        let epsilon = Float(shape.normEpsilon)
        for row in 0..<count {
            compute.rmsNorm(hidden, row: row, weight: feedForwardNorm, epsilon: epsilon, into: buffers.normed)
        }
        multiply(buffers.normed, count, [(gate, buffers.gate), (up, buffers.up)])
        for row in 0..<count { compute.siluMultiply(gate: buffers.gate, up: buffers.up, row: row) }
        multiply(buffers.gate, count, [(down, buffers.update)])
        compute.add(buffers.update, to: hidden, rows: count)
    }

    private func multiply(_ input: FloatMatrix, _ rows: Int, _ products: [(PackedMatrix, FloatMatrix)]) {
        if products.contains(where: { !$0.0.type.isFloat }) {
            compute.quantise(input, rows: rows, into: buffers.quantised)
        }
        let products = products.map { (matrix: $0.0, output: $0.1) }
        compute.multiply(input, quantised: buffers.quantised, rows: rows, products)
    }
}

/// The activations of a layer's pass of up to ``rows`` rows, reused by later passes.
private struct HeadLayerBuffers {
    let rows: Int
    let normed: FloatMatrix  // (rows, width), as is the next
    let update: FloatMatrix
    let queries: FloatMatrix  // (rows, heads · head dimension)
    let keys: FloatMatrix  // (rows, key heads · head dimension)
    let values: FloatMatrix
    let attended: FloatMatrix  // (rows, heads · head dimension)
    let gate: FloatMatrix  // (rows, hidden)
    let up: FloatMatrix
    let quantised: QuantisedActivations
    let angles: RotaryAngles

    init(_ shape: DecoderLayer.Shape, rows: Int) {
        let (width, attention) = (shape.width, shape.attention)
        func matrix(_ columns: Int) -> FloatMatrix { FloatMatrix(rows: rows, columns: columns) }
        self.rows = rows
        (normed, update) = (matrix(width), matrix(width))
        (queries, attended) = (matrix(attention.queryWidth), matrix(attention.queryWidth))
        (keys, values) = (matrix(attention.keyValueWidth), matrix(attention.keyValueWidth))
        (gate, up) = (matrix(shape.hidden), matrix(shape.hidden))
        // Queries of EAGLE-3 read twice the width.
        quantised = QuantisedActivations(rows: rows, columns: max(2 * width, shape.hidden, attention.queryWidth))
        let rotary = shape.rotary
        angles = RotaryAngles(
            rows: rows,
            dimensions: rotary.dimensions,
            theta: rotary.theta,
            factors: rotary.frequencyDivisors.map { $0.map(Float.init) },
            pairsHalves: rotary.pairing == .halves
        )
    }
}
