import PacelineSpeculation
package import PacelineTensor
package import PacelineTraining

/// An EAGLE head with the parts of its target that it needs, ready to compute.
///
/// It is ``EagleHead``'s forward pass on the kernels of the engine. A row reads the target's feature f_i and the
/// embedding of token t_{i+1} at position i, and guesses f_{i+1}, and through the output matrix t_{i+2}.
///
/// (EAGLE-1: arXiv 2401.15077)
package final class EagleNetwork: SelfFedNetwork {
    package let shape: EagleHead<Float>.Shape
    package let vocabulary: TargetVocabulary
    package let compute: Compute
    private let weights: EagleWeights
    private var layer: HeadLayer
    private var buffers: EagleBuffers
    private var scores: HeadScores

    /// - Parameter parameters: in the shape's layout.
    /// - Throws: `OpenBLASError`, or ``PackedMatrixError`` for weights that are not finite or if memory is short.
    package init(
        _ shape: EagleHead<Float>.Shape,
        parameters: [Float],
        vocabulary: TargetVocabulary,
        precision: HeadPrecision = .eightBit,
        compute: Compute
    ) throws {
        precondition(vocabulary.width == shape.layer.width, "the vocabulary is that of a target of the head's width")
        try OpenBLAS.load()
        (self.shape, self.vocabulary, self.compute) = (shape, vocabulary, compute)
        let named = HeadWeights(shape.layout, parameters, precision, compute)
        weights = try EagleWeights(named)
        layer = try HeadLayer(shape.layer, named, compute)
        buffers = EagleBuffers(shape, rows: 8)
        scores = HeadScores(vocabulary, compute)
    }

    package var featureWidth: Int { shape.layer.width }

    package var emptyContext: FloatKeyValues { layer.emptyContext }

    /// Rows read the target's features as they are.
    package func fused(_ features: ArraySlice<Float>) -> ArraySlice<Float> { features }

    package func forward(_ rows: [Row], context: inout FloatKeyValues) -> FloatMatrix {
        precondition(!rows.isEmpty, "a pass has rows")
        if buffers.rows < rows.count { buffers = EagleBuffers(shape, rows: rows.count) }
        fuse(rows)
        for row in 0..<rows.count {
            buffers.normed.copyRow(row, from: buffers.hidden, row: row)
            normalise(buffers.normed, row, weights.inputNorm, into: buffers.normed)
        }
        layer.forward(buffers.normed, buffers.hidden, rows, context: &context)
        let output = weights.outputNorm == nil ? buffers.hidden : buffers.output
        for row in 0..<rows.count { normalise(buffers.hidden, row, weights.outputNorm, into: buffers.output) }
        return output
    }

    package func logits(of features: [[Float]]) -> FloatMatrix { scores.logits(of: features) }

    /// fc([norm(embedding); norm(feature)]).
    private func fuse(_ rows: [Row]) {
        let width = shape.layer.width
        for (index, row) in rows.enumerated() {
            vocabulary.embed(row.token, into: buffers.normed, row: index)
            normalise(buffers.normed, index, weights.embeddingNorm, into: buffers.normed)
            buffers.hidden.setRow(index, to: row.feature)
            normalise(buffers.hidden, index, weights.featureNorm, into: buffers.hidden)
            buffers.fusionInput.copyRow(index, at: 0, from: buffers.normed, row: index)
            buffers.fusionInput.copyRow(index, at: width, from: buffers.hidden, row: index)
        }
        if !weights.fusion.type.isFloat {
            compute.quantise(buffers.fusionInput, rows: rows.count, into: buffers.quantised)
        }
        compute.multiply(
            buffers.fusionInput,
            quantised: buffers.quantised,
            rows: rows.count,
            [(matrix: weights.fusion, output: buffers.hidden)]
        )
        if let bias = weights.fusionBias { compute.addBias(bias, to: buffers.hidden, rows: rows.count) }
    }

    private func normalise(_ input: FloatMatrix, _ row: Int, _ norm: FloatMatrix?, into output: FloatMatrix) {
        guard let norm else { return }
        let epsilon = Float(shape.layer.normEpsilon)
        compute.rmsNorm(input, row: row, weight: norm, epsilon: epsilon, into: output)
    }
}
