/// y = w · x / √(mean(x²) + ε) for each row (Zhang, Sennrich 2019, arXiv 1910.07467).
package struct RMSNorm: Equatable, Sendable {
    /// 1 × width.
    package let weight: ParameterSlice
    package let epsilon: Double

    package init(_ name: String, width: Int, epsilon: Double, in layout: inout ParameterLayout) {
        weight = layout.vector("\(name).weight", width)
        self.epsilon = epsilon
    }

    private var width: Int { weight.columns }

    /// - Parameter input: rows × width.
    package func forward<Scalar>(_ input: Matrix<Scalar>, _ parameters: [Scalar]) -> Matrix<Scalar> {
        var output = Matrix<Scalar>.unset(rows: input.rows, columns: width)
        normalise(input.values, parameters, to: &output.values, rows: input.rows)
        return output
    }

    private func normalise<Scalar: TrainingScalar>(
        _ input: UnsafePointer<Scalar>,
        _ parameters: UnsafePointer<Scalar>,
        to output: UnsafeMutablePointer<Scalar>,
        rows: Int
    ) {
        let weights = parameters + weight.offset
        for row in 0..<rows {
            let (x, y) = (input + row * width, output + row * width)
            let factor = reciprocal(x)
            for column in 0..<width { y[column] = weights[column] * (x[column] * factor) }
        }
    }

    /// Adds the weights' gradient to `gradient` and returns the derivative by the input.
    ///
    /// - Parameters: as for `Linear.backward`.
    package func backward<Scalar>(
        _ input: Matrix<Scalar>,
        _ outputGradient: Matrix<Scalar>,
        _ parameters: [Scalar],
        _ gradient: inout [Scalar]
    ) -> Matrix<Scalar> {
        addParameterGradient(input, outputGradient, &gradient)
        var inputGradient = Matrix<Scalar>.unset(rows: input.rows, columns: width)
        derive(input.values, outputGradient.values, parameters, &inputGradient.values, rows: input.rows)
        return inputGradient
    }

    /// Adds the weights' gradient alone, for inputs that are constants.
    func addParameterGradient<Scalar>(
        _ input: Matrix<Scalar>,
        _ outputGradient: Matrix<Scalar>,
        _ gradient: inout [Scalar]
    ) {
        accumulate(input.values, outputGradient.values, &gradient, rows: input.rows)
    }

    private func accumulate<Scalar: TrainingScalar>(
        _ input: UnsafePointer<Scalar>,
        _ outputGradient: UnsafePointer<Scalar>,
        _ gradient: UnsafeMutablePointer<Scalar>,
        rows: Int
    ) {
        let weights = gradient + weight.offset
        for row in 0..<rows {
            let (x, dy) = (input + row * width, outputGradient + row * width)
            let factor = reciprocal(x)
            for column in 0..<width { weights[column] += dy[column] * (x[column] * factor) }
        }
    }

    private func derive<Scalar: TrainingScalar>(
        _ input: UnsafePointer<Scalar>,
        _ outputGradient: UnsafePointer<Scalar>,
        _ parameters: UnsafePointer<Scalar>,
        _ inputGradient: UnsafeMutablePointer<Scalar>,
        rows: Int
    ) {
        let weights = parameters + weight.offset
        for row in 0..<rows {
            let (x, dx) = (input + row * width, inputGradient + row * width)
            let dy = outputGradient + row * width
            let factor = reciprocal(x)
            for column in 0..<width { dx[column] = dy[column] * weights[column] }
            let slope = dot(dx, x, width) * factor * factor / Scalar(width)
            for column in 0..<width { dx[column] = factor * (dx[column] - slope * x[column]) }
        }
    }

    private func reciprocal<Scalar: TrainingScalar>(_ row: UnsafePointer<Scalar>) -> Scalar {
        1 / (dot(row, row, width) / Scalar(width) + Scalar(epsilon)).squareRoot()
    }
}
