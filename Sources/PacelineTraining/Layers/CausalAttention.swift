/// Softmax attention of grouped queries (GQA, arXiv 2305.13245), in which a row of a self-fed step sees what it would
/// see while drafting (HASS, arXiv 2408.15766).
///
/// In step k, row i of a sequence has been fed with guesses for its last k rows. So it sees the keys of rows up to
/// i - k as step 0 made them from the target's features, and those of rows i - j for j < k as step k - j made them. In
/// the matrix of scores the latter are its last k diagonals. With k = 0 it is causal attention.
package struct CausalAttention: Equatable, Sendable {
    package let heads: Int
    package let keyValueHeads: Int
    package let headDimension: Int

    package init(heads: Int, keyValueHeads: Int, headDimension: Int) {
        precondition(heads.isMultiple(of: keyValueHeads))
        (self.heads, self.keyValueHeads, self.headDimension) = (heads, keyValueHeads, headDimension)
    }

    package var queryWidth: Int { heads * headDimension }
    package var keyValueWidth: Int { keyValueHeads * headDimension }
    private var scale: Double { 1 / Double(headDimension).squareRoot() }

    /// - Parameters:
    ///   - queries: of the newest step, rows × heads · headDimension, rotated.
    ///   - steps: keys and values of steps 0 to k, of which the last is the queries' own.
    ///   - segments: the rows of each sequence.
    /// - Returns: rows × heads · headDimension, and what `backward` needs.
    package func forward<Scalar>(
        _ queries: Matrix<Scalar>,
        _ steps: [KeysAndValues<Scalar>],
        segments: [Range<Int>]
    ) -> (output: Matrix<Scalar>, weights: AttentionWeights<Scalar>) {
        var output = Matrix<Scalar>.unset(rows: queries.rows, columns: queries.columns)
        var weights = AttentionWeights<Scalar>()
        weights.blocks.reserveCapacity(segments.count * heads)
        for segment in segments {
            for head in 0..<heads {
                let block = AttentionBlock(self, segment, head, diagonals: steps.count - 1)
                var scores = block.scores(queries, steps)
                scores.normalise(diagonals: block.diagonals)
                block.mix(scores, steps, to: &output)
                weights.blocks.append(scores)
            }
        }
        return (output, weights)
    }

    /// - Parameters:
    ///   - outputGradient: the loss's derivative by the output of `forward`.
    ///   - stepGradients: the derivatives by keys and values of all steps, to which this adds.
    /// - Returns: the derivative by the queries.
    package func backward<Scalar>(
        _ queries: Matrix<Scalar>,
        _ steps: [KeysAndValues<Scalar>],
        _ weights: AttentionWeights<Scalar>,
        _ outputGradient: Matrix<Scalar>,
        _ stepGradients: inout [KeysAndValues<Scalar>],
        segments: [Range<Int>]
    ) -> Matrix<Scalar> {
        var queryGradient = Matrix<Scalar>.unset(rows: queries.rows, columns: queries.columns)
        for (index, segment) in segments.enumerated() {
            for head in 0..<heads {
                let block = AttentionBlock(self, segment, head, diagonals: steps.count - 1)
                let probabilities = weights.blocks[index * heads + head]
                block.addValueGradients(probabilities, outputGradient, &stepGradients)
                var slopes = block.probabilityGradients(outputGradient, steps)
                slopes.throughSoftmax(of: probabilities, scale: Scalar(scale))
                block.addKeyGradients(slopes, queries, &stepGradients)
                block.setQueryGradient(slopes, steps, &queryGradient)
            }
        }
        return queryGradient
    }
}

/// Keys (rotated) and values of all rows in one step, each rows × keyValueHeads · headDimension; or their gradients.
package struct KeysAndValues<Scalar: TrainingScalar>: Sendable {
    package var keys: Matrix<Scalar>
    package var values: Matrix<Scalar>

    package init(keys: Matrix<Scalar>, values: Matrix<Scalar>) {
        (self.keys, self.values) = (keys, values)
    }

    /// Zeros of the same shape.
    var zeros: Self {
        Self(
            keys: Matrix(rows: keys.rows, columns: keys.columns),
            values: Matrix(rows: values.rows, columns: values.columns)
        )
    }
}

/// How much each row of each sequence and head attends to which: one block for each sequence and head, in this order.
package struct AttentionWeights<Scalar: TrainingScalar>: Sendable {
    var blocks: [AttentionMatrix<Scalar>] = []
}
