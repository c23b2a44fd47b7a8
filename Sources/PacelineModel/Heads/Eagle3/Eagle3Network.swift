import PacelineSpeculation
package import PacelineTensor
import PacelineTraining

/// An EAGLE-3 head with the parts of its target that it needs, ready to compute.
///
/// What it passes from row to row is its own: fc makes it of several of the target's features, and later rows read what
/// earlier ones put out. Only ``logits(of:)`` brings it to the draft tokens, through the head's own output matrix.
///
/// (EAGLE-3: arXiv 2503.01840)
package final class Eagle3Network: SelfFedNetwork {
    package let shape: Eagle3Shape
    /// With the head's own output matrix, if it has one.
    package let vocabulary: TargetVocabulary
    package let compute: Compute
    private let weights: Eagle3Weights
    private var layer: HeadLayer
    private var buffers: Eagle3Buffers
    private var scores: HeadScores

    /// - Parameter parameters: in the shape's layout.
    /// - Throws: `OpenBLASError`, or ``PackedMatrixError`` for weights that are not finite or if memory is short.
    package init(
        _ shape: Eagle3Shape,
        parameters: [Float],
        vocabulary: TargetVocabulary,
        precision: HeadPrecision = .eightBit,
        compute: Compute
    ) throws {
        precondition(vocabulary.width == shape.layer.width, "the vocabulary is that of a target of the head's width")
        precondition(shape.outputTokens.map { $0 == vocabulary.tokens.count } ?? true, "a row for each draft token")
        try OpenBLAS.load()
        let named = HeadWeights(shape.layout, parameters, precision, compute)
        let output = try named.matrixIfPresent("output.weight")
        self.vocabulary = output.map(vocabulary.replacingOutput) ?? vocabulary
        (self.shape, self.compute) = (shape, compute)
        weights = try Eagle3Weights(named, shape)
        layer = try HeadLayer(shape.layer, named, compute)
        buffers = Eagle3Buffers(shape, rows: 8)
        scores = HeadScores(self.vocabulary, compute)
    }

    package var featureWidth: Int { shape.taps * shape.layer.width }

    package var emptyContext: FloatKeyValues { layer.emptyContext }

    /// fc of the target's features, each or all of them normed before where the head does that.
    package func fused(_ features: ArraySlice<Float>) -> ArraySlice<Float> {
        let (width, count) = (featureWidth, features.count / featureWidth)
        let (input, output) = (buffers.features, buffers.fused)
        var result: [Float] = []
        result.reserveCapacity(count * shape.layer.width)
        for first in stride(from: 0, to: count, by: input.rows) {
            let rows = min(input.rows, count - first)
            for row in 0..<rows {
                let start = features.startIndex + (first + row) * width
                set(row, to: features[start..<start + width])
            }
            compute.multiply(
                input,
                quantised: buffers.quantised,
                rows: rows,
                [(matrix: weights.fusion, output: output)]
            )
            for row in 0..<rows { result += output.row(row) }
        }
        return result[...]
    }

    /// Sets a row of what fc reads.
    private func set(_ row: Int, to feature: ArraySlice<Float>) {
        let width = shape.layer.width
        buffers.features.setRow(row, to: feature)
        switch shape.featureNorm {
        case .none: break
        case .whole: normalise(buffers.features, row, weights.featureNorms[0], into: buffers.features)
        case .each:
            for (tap, norm) in weights.featureNorms.enumerated() {
                let start = feature.startIndex + tap * width
                buffers.tap.setRow(0, to: feature[start..<start + width])
                normalise(buffers.tap, 0, norm, into: buffers.tap)
                buffers.features.copyRow(row, at: tap * width, from: buffers.tap, row: 0)
            }
        }
    }

    package func forward(_ rows: [Row], context: inout FloatKeyValues) -> FloatMatrix {
        precondition(!rows.isEmpty, "a pass has rows")
        if buffers.rows < rows.count { buffers = Eagle3Buffers(shape, rows: rows.count) }
        for (index, row) in rows.enumerated() {
            vocabulary.embed(row.token, into: buffers.normed, row: index)
            normalise(buffers.normed, index, weights.embeddingNorm, into: buffers.normed)
            buffers.input.copyRow(index, at: 0, from: buffers.normed, row: index)
            buffers.hidden.setRow(index, to: row.feature)
            normalise(buffers.hidden, index, weights.hiddenNorm, into: buffers.normed)
            buffers.input.copyRow(index, at: shape.layer.width, from: buffers.normed, row: index)
            if shape.normsResidual { buffers.hidden.copyRow(index, from: buffers.normed, row: index) }
        }
        layer.forward(buffers.input, buffers.hidden, rows, context: &context)
        guard shape.feedsNormed else { return buffers.hidden }
        for row in 0..<rows.count { normalise(buffers.hidden, row, weights.outputNorm, into: buffers.normed) }
        return buffers.normed
    }

    package func logits(of features: [[Float]]) -> FloatMatrix {
        guard !shape.feedsNormed else { return scores.logits(of: features) }
        let normed = features.map { feature in
            buffers.tap.setRow(0, to: feature[...])
            normalise(buffers.tap, 0, weights.outputNorm, into: buffers.tap)
            return buffers.tap.row(0)
        }
        return scores.logits(of: normed)
    }

    private func normalise(_ input: FloatMatrix, _ row: Int, _ norm: FloatMatrix, into output: FloatMatrix) {
        let epsilon = Float(shape.layer.normEpsilon)
        compute.rmsNorm(input, row: row, weight: norm, epsilon: epsilon, into: output)
    }
}

/// The weights of an EAGLE-3 head around its layer, as the kernels take them.
private struct Eagle3Weights {
    /// One for each tap, one for all of them, or none.
    let featureNorms: [FloatMatrix]
    let fusion: PackedMatrix  // (width, taps · width)
    let embeddingNorm: FloatMatrix
    let hiddenNorm: FloatMatrix
    let outputNorm: FloatMatrix

    init(_ weights: HeadWeights, _ shape: Eagle3Shape) throws(PackedMatrixError) {
        let width = shape.layer.width
        let norm = weights.vectorIfPresent("enc.output_norm.weight").map { $0.row(0) } ?? []
        let length = shape.featureNorm == .each ? width : max(1, norm.count)
        featureNorms = stride(from: 0, to: norm.count, by: length).map { FloatMatrix(Array(norm[$0..<$0 + length])) }
        // The residual stream has few very large numbers, which would leave little of the others in eight bits. It runs
        // once for each committed token.
        fusion = try weights.matrix("fc.weight", isExact: true)
        embeddingNorm = weights.vector("attn_norm.weight")
        hiddenNorm = weights.vector("attn_norm_2.weight")
        outputNorm = weights.vector("output_norm.weight")
    }
}

/// The activations of a pass of up to ``rows`` rows around the layer, reused by later passes.
private struct Eagle3Buffers {
    let rows: Int
    let features: FloatMatrix  // (32, taps · width)
    let fused: FloatMatrix  // (32, width)
    let tap: FloatMatrix  // (1, width)
    let input: FloatMatrix  // (rows, 2 · width)
    let hidden: FloatMatrix  // (rows, width), as is the next
    let normed: FloatMatrix
    /// Nothing is quantised.
    let quantised = QuantisedActivations(rows: 1, columns: 32)

    init(_ shape: Eagle3Shape, rows: Int) {
        let width = shape.layer.width
        self.rows = rows
        features = FloatMatrix(rows: 32, columns: shape.taps * width)
        (fused, tap) = (FloatMatrix(rows: 32, columns: width), FloatMatrix(rows: 1, columns: width))
        input = FloatMatrix(rows: rows, columns: 2 * width)
        (hidden, normed) = (FloatMatrix(rows: rows, columns: width), FloatMatrix(rows: rows, columns: width))
    }
}
