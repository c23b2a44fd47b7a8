/// The rows of the target's output matrix that belong to the draft vocabulary. They are frozen.
package struct OutputSlice<Scalar: TrainingScalar>: Equatable, Sendable {
    /// draft tokens × width.
    package let rows: Matrix<Scalar>

    package init(rows: Matrix<Scalar>) { self.rows = rows }

    /// How many rows of logits are computed at a time: enough for fast products, few enough for the cache.
    private static var chunk: Int { 256 }

    /// What the head says about the rows, and how wrong that is.
    package struct Loss: Equatable, Sendable {
        /// Σ rowWeight · Σ target weight · (-log q).
        package var crossEntropy = 0.0
        /// Σ rowWeight of rows in which the most probable token is the target's own choice.
        package var agreement = 0.0
    }

    /// The logits of rows of features.
    ///
    /// - Parameter features: rows × width.
    /// - Returns: rows × draft tokens.
    package func logits(_ features: Matrix<Scalar>) -> Matrix<Scalar> {
        var logits = Matrix<Scalar>.unset(rows: features.rows, columns: rows.rows)
        multiply(features, 0..<features.rows, to: &logits)
        return logits
    }

    /// The cross entropy with the target's choices.
    ///
    /// - Parameters:
    ///   - features: rows × width.
    ///   - rowWeights: the factor of each row's loss.
    ///   - factor: of the whole, for the gradient only.
    ///   - gradient: the derivative by the features, to which this adds.
    package func crossEntropy(
        _ features: Matrix<Scalar>,
        _ targets: SoftTargets<Scalar>,
        rowWeights: [Double],
        factor: Double,
        addingGradientTo gradient: inout Matrix<Scalar>
    ) -> Loss {
        var loss = Loss()
        for start in stride(from: 0, to: features.rows, by: Self.chunk) {
            let chunk = start..<min(start + Self.chunk, features.rows)
            var logits = Matrix<Scalar>.unset(rows: chunk.count, columns: rows.rows)
            multiply(features, chunk, to: &logits)
            for row in chunk {
                let part = (row - chunk.lowerBound) * rows.rows..<(row - chunk.lowerBound + 1) * rows.rows
                logits.values.withUnsafeMutableBufferPointer {
                    let row = TargetRow(targets, row, weight: rowWeights[row], factor: factor)
                    row.derive($0.baseAddress! + part.lowerBound, part.count, &loss)
                }
            }
            let product = MatrixProduct(
                rows: chunk.count,
                columns: rows.columns,
                inner: rows.rows,
                left: .init(stride: rows.rows),
                right: .init(stride: rows.columns),
                result: .init(offset: start * rows.columns, stride: rows.columns),
                kept: 1
            )
            Scalar.multiply(product, logits.values, rows.values, &gradient.values)
        }
        return loss
    }

    private func multiply(_ features: Matrix<Scalar>, _ chunk: Range<Int>, to logits: inout Matrix<Scalar>) {
        let product = MatrixProduct(
            rows: chunk.count,
            columns: rows.rows,
            inner: rows.columns,
            left: .init(offset: chunk.lowerBound * rows.columns, stride: rows.columns),
            right: .init(stride: rows.columns, isTransposed: true),
            result: .init(stride: rows.rows)
        )
        Scalar.multiply(product, features.values, rows.values, &logits.values)
    }
}

/// One row's loss over the draft vocabulary.
private struct TargetRow<Scalar: TrainingScalar> {
    let tokens: ArraySlice<Int>
    let weights: ArraySlice<Scalar>
    let best: Int
    let weight: Double
    let factor: Double

    init(_ targets: SoftTargets<Scalar>, _ row: Int, weight: Double, factor: Double) {
        let range = targets.starts[row]..<targets.starts[row + 1]
        (tokens, weights, best) = (targets.tokens[range], targets.weights[range], targets.best[row])
        (self.weight, self.factor) = (weight, factor)
    }

    /// Replaces logits by the loss's derivatives by them.
    func derive(_ logits: UnsafeMutablePointer<Scalar>, _ count: Int, _ loss: inout OutputSlice<Scalar>.Loss) {
        guard weight != 0, !tokens.isEmpty else {
            logits.update(repeating: 0, count: count)
            return
        }
        let highest = maximum(logits, count)
        if best >= 0, logits[best] == highest { loss.agreement += weight }
        for index in 0..<count { logits[index] -= highest }
        var (total, expected) = (Scalar(0), Scalar(0))
        for (token, share) in zip(tokens, weights) {
            total += share
            expected += share * logits[token]
        }
        Scalar.exponentiate(logits, count: count)
        let mass = sum(logits, count)
        loss.crossEntropy += weight * Double(total * Scalar.logarithm(mass) - expected)
        let slope = Scalar(weight * factor)
        scale(logits, slope * total / mass, count)
        for (token, share) in zip(tokens, weights) { logits[token] -= slope * share }
    }
}
