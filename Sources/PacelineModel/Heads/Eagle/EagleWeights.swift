import PacelineTensor
import PacelineTraining

/// The weights of an EAGLE head around its layer, as the kernels take them.
struct EagleWeights {
    let embeddingNorm: FloatMatrix?
    let featureNorm: FloatMatrix?
    let fusion: PackedMatrix  // (width, 2 · width): embedding, then feature
    let fusionBias: FloatMatrix?
    let inputNorm: FloatMatrix?
    let outputNorm: FloatMatrix?

    init(_ weights: HeadWeights) throws(PackedMatrixError) {
        embeddingNorm = weights.vectorIfPresent("enorm.weight")
        featureNorm = weights.vectorIfPresent("hnorm.weight")
        (fusion, fusionBias) = (try weights.matrix("fc.weight"), weights.vectorIfPresent("fc.bias"))
        inputNorm = weights.vectorIfPresent("attn_norm.weight")
        outputNorm = weights.vectorIfPresent("output_norm.weight")
    }
}

/// The activations of a pass of up to ``rows`` rows around the layer, reused by later passes.
struct EagleBuffers {
    let rows: Int
    let fusionInput: FloatMatrix  // (rows, 2 · width)
    let hidden: FloatMatrix  // (rows, width), as are the next two
    let normed: FloatMatrix
    let output: FloatMatrix
    let quantised: QuantisedActivations

    init(_ shape: EagleHead<Float>.Shape, rows: Int) {
        let width = shape.layer.width
        func matrix(_ columns: Int) -> FloatMatrix { FloatMatrix(rows: rows, columns: columns) }
        self.rows = rows
        fusionInput = matrix(2 * width)
        (hidden, normed, output) = (matrix(width), matrix(width), matrix(width))
        quantised = QuantisedActivations(rows: rows, columns: 2 * width)
    }
}
