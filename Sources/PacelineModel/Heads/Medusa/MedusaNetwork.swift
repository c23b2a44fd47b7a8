package import PacelineSpeculation
package import PacelineTensor
package import PacelineTraining

/// Medusa's or Hydra's heads with the parts of their target that they need, ready to compute.
///
/// It is ``MedusaHeads``'s forward pass on the kernels of the engine. Head i reads the target's feature f_p and, in
/// Hydra, the embeddings of the tokens t_{p+1} to t_{p+1+i}. It guesses a feature whose logits are those of t_{p+2+i}.
/// One thread uses it at a time; all drafts share it.
///
/// (Medusa: arXiv 2401.10774. Hydra: arXiv 2402.05109)
package final class MedusaNetwork {
    /// What a head reads.
    package struct Row {
        package var feature: ArraySlice<Float>
        /// Those behind the feature's token, one more than the head's index. Medusa reads none of them.
        package var tokens: ArraySlice<Token>

        package init(feature: ArraySlice<Float>, tokens: ArraySlice<Token>) {
            (self.feature, self.tokens) = (feature, tokens)
        }
    }

    package let shape: MedusaHeads<Float>.Shape
    package let vocabulary: TargetVocabulary
    package let compute: Compute
    /// By head.
    private let blocks: [[MedusaBlock]]
    private var buffers: MedusaBuffers
    private var scores: HeadScores

    /// - Parameter parameters: in the shape's layout.
    /// - Throws: `OpenBLASError`, or ``PackedMatrixError`` for weights that are not finite or if memory is short.
    package init(
        _ shape: MedusaHeads<Float>.Shape,
        parameters: [Float],
        vocabulary: TargetVocabulary,
        precision: HeadPrecision = .eightBit,
        compute: Compute
    ) throws {
        precondition(vocabulary.width == shape.width, "the vocabulary is that of a target of the heads' width")
        try OpenBLAS.load()
        let named = HeadWeights(shape.layout, parameters, precision, compute)
        (self.shape, self.vocabulary, self.compute) = (shape, vocabulary, compute)
        var blocks: [[MedusaBlock]] = []
        for head in 0..<shape.heads {
            var own: [MedusaBlock] = []
            for block in 0..<shape.blocks {
                own.append(try MedusaBlock("\(head).\(block)", named))
            }
            blocks.append(own)
        }
        self.blocks = blocks
        buffers = MedusaBuffers(shape, rows: 8)
        scores = HeadScores(vocabulary, compute)
    }

    /// Runs a head.
    ///
    /// - Parameter rows: at least one.
    /// - Returns: the guessed features, rows × width; valid until the next run.
    package func guesses(_ head: Int, _ rows: [Row]) -> FloatMatrix {
        precondition(!rows.isEmpty, "a pass has rows")
        if buffers.rows < rows.count { buffers = MedusaBuffers(shape, rows: rows.count) }
        var input = buffers.hidden
        if shape.readsTokens {
            input = join(rows, head)
        } else {
            for (index, row) in rows.enumerated() { buffers.hidden.setRow(index, to: row.feature) }
        }
        for block in blocks[head] {
            run(block, input, rows.count)
            input = buffers.hidden
        }
        return buffers.hidden
    }

    /// The logits of guessed features: features × draft tokens; valid until they are asked for again.
    ///
    /// - Parameter features: of at least one row.
    package func logits(of features: [[Float]]) -> FloatMatrix { scores.logits(of: features) }

    /// Features, and behind them the embeddings of tokens.
    private func join(_ rows: [Row], _ head: Int) -> FloatMatrix {
        let input = buffers.input(columns: shape.inputs(head: head))
        for (index, row) in rows.enumerated() {
            precondition(row.tokens.count == head + 1, "a head reads all tokens up to its own")
            buffers.raised.setRow(index, to: row.feature)
            input.copyRow(index, at: 0, from: buffers.raised, row: index)
            for (place, token) in row.tokens.enumerated() {
                vocabulary.embed(token, into: buffers.raised, row: index)
                input.copyRow(index, at: (place + 1) * shape.width, from: buffers.raised, row: index)
            }
        }
        return input
    }

    /// hidden = skip(input) + silu(linear(input)). A block without a skip reads `hidden` itself.
    private func run(_ block: MedusaBlock, _ input: FloatMatrix, _ rows: Int) {
        var products = [(matrix: block.linear, output: buffers.raised)]
        if let skip = block.skip { products.append((matrix: skip, output: buffers.hidden)) }
        if !block.linear.type.isFloat { compute.quantise(input, rows: rows, into: buffers.quantised) }
        compute.multiply(input, quantised: buffers.quantised, rows: rows, products)
        compute.addBias(block.linearBias, to: buffers.raised, rows: rows)
        if let bias = block.skipBias { compute.addBias(bias, to: buffers.hidden, rows: rows) }
        for row in 0..<rows { compute.siluMultiply(gate: buffers.raised, up: buffers.ones, row: row) }
        compute.add(buffers.raised, to: buffers.hidden, rows: rows)
    }
}

/// The weights of a residual block as the kernels take them.
private struct MedusaBlock {
    let linear: PackedMatrix  // (width, inputs)
    let linearBias: FloatMatrix
    /// Absent where the input passes as it is.
    let skip: PackedMatrix?
    let skipBias: FloatMatrix?

    /// - Parameter name: before that of the layer.
    init(_ name: String, _ weights: HeadWeights) throws(PackedMatrixError) {
        linear = try weights.matrix("\(name).linear.weight")
        linearBias = weights.vector("\(name).linear.bias")
        skip = try weights.matrixIfPresent("\(name).skip.weight")
        skipBias = weights.vectorIfPresent("\(name).skip.bias")
    }
}

/// The activations of a run of up to ``rows`` rows, reused by later runs.
private struct MedusaBuffers {
    let rows: Int
    let hidden: FloatMatrix  // (rows, width), as are the next two
    let raised: FloatMatrix
    let ones: FloatMatrix
    let quantised: QuantisedActivations
    /// What Hydra's heads read, by columns; each is made when it is needed.
    private var inputs: [Int: FloatMatrix] = [:]

    init(_ shape: MedusaHeads<Float>.Shape, rows: Int) {
        self.rows = rows
        (hidden, raised) = (
            FloatMatrix(rows: rows, columns: shape.width), FloatMatrix(rows: rows, columns: shape.width)
        )
        ones = FloatMatrix(rows: rows, columns: shape.width)
        let row = [Float](repeating: 1, count: shape.width)
        for index in 0..<rows { ones.setRow(index, to: row[...]) }
        quantised = QuantisedActivations(rows: rows, columns: shape.inputs(head: shape.heads - 1))
    }

    mutating func input(columns: Int) -> FloatMatrix {
        let input = inputs[columns] ?? FloatMatrix(rows: rows, columns: columns)
        inputs[columns] = input
        return input
    }
}
