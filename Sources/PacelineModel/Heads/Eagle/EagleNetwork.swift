package import PacelineSpeculation
package import PacelineTensor
package import PacelineTraining

/// An EAGLE head with the parts of its target that it needs, ready to compute.
///
/// It is ``EagleHead``'s forward pass on the kernels of the engine. A row reads the target's feature f_i and the
/// embedding of token t_{i+1} at position i, and guesses f_{i+1}, and through the output matrix t_{i+2}. One thread
/// uses it at a time; all contexts share it.
///
/// (EAGLE-1: arXiv 2401.15077)
package final class EagleNetwork {
    /// How weights are multiplied.
    package enum Precision: Sendable {
        /// As trained, by OpenBLAS.
        case float
        /// In eight bits: a quarter of the memory traffic, which is what drafting costs.
        case eightBit
    }

    /// A row of a pass.
    package struct Row {
        package var feature: ArraySlice<Float>
        package var token: Token
        /// That of the feature.
        package var position: Int
        package var view: FloatKeyValues.View

        package init(feature: ArraySlice<Float>, token: Token, position: Int, view: FloatKeyValues.View) {
            (self.feature, self.token) = (feature, token)
            (self.position, self.view) = (position, view)
        }
    }

    package let shape: EagleHead<Float>.Shape
    package let vocabulary: TargetVocabulary
    package let compute: Compute
    private let weights: EagleWeights
    private var buffers: EagleBuffers
    private var scores: EagleScores

    /// - Parameter parameters: in the shape's layout.
    /// - Throws: `OpenBLASError`, or ``PackedMatrixError`` for weights that are not finite or if memory is short.
    package init(
        _ shape: EagleHead<Float>.Shape,
        parameters: [Float],
        vocabulary: TargetVocabulary,
        precision: Precision = .eightBit,
        compute: Compute
    ) throws {
        precondition(vocabulary.width == shape.layer.width, "the vocabulary is that of a target of the head's width")
        try OpenBLAS.load()
        (self.shape, self.vocabulary, self.compute) = (shape, vocabulary, compute)
        weights = try EagleWeights(shape, parameters, precision, compute)
        buffers = EagleBuffers(shape, rows: 8)
        scores = EagleScores(vocabulary, rows: 8)
    }

    /// A context without rows.
    package var emptyContext: FloatKeyValues {
        let attention = shape.layer.attention
        return FloatKeyValues(heads: attention.keyValueHeads, headDimension: attention.headDimension)
    }

    /// Computes rows, and appends their keys and values to a context.
    ///
    /// - Parameter rows: at least one. A row may see itself and those before it: they are appended first.
    /// - Returns: the guessed features, rows × width; valid until the next pass.
    package func forward(_ rows: [Row], context: inout FloatKeyValues) -> FloatMatrix {
        precondition(!rows.isEmpty, "a pass has rows")
        if buffers.rows < rows.count { buffers = EagleBuffers(shape, rows: rows.count) }
        fuse(rows)
        attend(rows, &context)
        feedForward(rows.count)
        let output = weights.outputNorm == nil ? buffers.hidden : buffers.output
        for row in 0..<rows.count { normalise(buffers.hidden, row, weights.outputNorm, into: buffers.output) }
        return output
    }

    /// The logits of guessed features: features × draft tokens; valid until they are asked for again.
    ///
    /// - Parameter features: of at least one row.
    package func logits(of features: [[Float]]) -> FloatMatrix {
        let count = features.count
        if scores.features.rows < count { scores = EagleScores(vocabulary, rows: count) }
        for (row, feature) in features.enumerated() { scores.features.setRow(row, to: feature[...]) }
        if !vocabulary.output.type.isFloat { compute.quantise(scores.features, rows: count, into: scores.quantised) }
        compute.multiply(
            scores.features,
            quantised: scores.quantised,
            rows: count,
            [(matrix: vocabulary.output, output: scores.logits)]
        )
        return scores.logits
    }

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
            buffers.angles.set(row: index, position: row.position)
        }
        multiply(buffers.fusionInput, rows.count, [(weights.fusion, buffers.hidden)])
        if let bias = weights.fusionBias { compute.addBias(bias, to: buffers.hidden, rows: rows.count) }
    }

    private func attend(_ rows: [Row], _ context: inout FloatKeyValues) {
        let size = shape.layer.attention.headDimension
        for row in 0..<rows.count {
            buffers.normed.copyRow(row, from: buffers.hidden, row: row)
            normalise(buffers.normed, row, weights.inputNorm, into: buffers.normed)
        }
        let parts = [buffers.queries, buffers.keys, buffers.values]
        multiply(buffers.normed, rows.count, Array(zip(weights.projections, parts)))
        for (bias, part) in zip(weights.biases, parts) { compute.addBias(bias, to: part, rows: rows.count) }
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
        multiply(buffers.attended, rows.count, [(weights.attentionOutput, buffers.update)])
        compute.add(buffers.update, to: buffers.hidden, rows: rows.count)
    }

    private func feedForward(_ count: Int) {
        for row in 0..<count { normalise(buffers.hidden, row, weights.feedForwardNorm, into: buffers.normed) }
        multiply(buffers.normed, count, [(weights.gate, buffers.gate), (weights.up, buffers.up)])
        for row in 0..<count { compute.siluMultiply(gate: buffers.gate, up: buffers.up, row: row) }
        multiply(buffers.gate, count, [(weights.down, buffers.update)])
        compute.add(buffers.update, to: buffers.hidden, rows: count)
    }

    private func normalise(_ input: FloatMatrix, _ row: Int, _ norm: FloatMatrix?, into output: FloatMatrix) {
        guard let norm else { return }
        let epsilon = Float(shape.layer.normEpsilon)
        compute.rmsNorm(input, row: row, weight: norm, epsilon: epsilon, into: output)
    }

    private func multiply(_ input: FloatMatrix, _ rows: Int, _ products: [(PackedMatrix, FloatMatrix)]) {
        if products.contains(where: { !$0.0.type.isFloat }) {
            compute.quantise(input, rows: rows, into: buffers.quantised)
        }
        let products = products.map { (matrix: $0.0, output: $0.1) }
        compute.multiply(input, quantised: buffers.quantised, rows: rows, products)
    }
}
