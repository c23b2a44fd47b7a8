/// y = x · Wᵀ + b.
package struct Linear: Equatable, Sendable {
    /// outputs × inputs.
    package let weight: ParameterSlice
    /// 1 × outputs.
    package let bias: ParameterSlice?

    package init(weight: ParameterSlice, bias: ParameterSlice? = nil) {
        (self.weight, self.bias) = (weight, bias)
    }

    package init(_ name: String, inputs: Int, outputs: Int, bias: Bool = false, in layout: inout ParameterLayout) {
        weight = layout.matrix("\(name).weight", rows: outputs, columns: inputs)
        self.bias = bias ? layout.vector("\(name).bias", outputs) : nil
    }

    /// - Parameter input: rows × inputs.
    /// - Returns: rows × outputs.
    package func forward<Scalar>(_ input: Matrix<Scalar>, _ parameters: [Scalar]) -> Matrix<Scalar> {
        var output = Matrix<Scalar>.unset(rows: input.rows, columns: weight.rows)
        add(input, parameters, to: &output, kept: 0)
        return output
    }

    /// output = kept · output + x · Wᵀ + b.
    func add<Scalar>(
        _ input: Matrix<Scalar>,
        _ parameters: [Scalar],
        to output: inout Matrix<Scalar>,
        kept: Double = 1
    ) {
        var right = weight.operand
        right.isTransposed = true
        let product = MatrixProduct(
            rows: input.rows,
            columns: weight.rows,
            inner: weight.columns,
            left: .init(stride: input.columns),
            right: right,
            result: .init(stride: output.columns),
            kept: kept
        )
        Scalar.multiply(product, input.values, parameters, &output.values)
        guard let bias else { return }
        parameters.withUnsafeBufferPointer { parameters in
            output.values.withUnsafeMutableBufferPointer { values in
                guard let from = parameters.baseAddress, let to = values.baseAddress else { return }
                for row in 0..<input.rows { addScaled(to + row * bias.columns, 1, from + bias.offset, bias.columns) }
            }
        }
    }

    /// Adds the parameters' gradient to `gradient`.
    ///
    /// - Parameters:
    ///   - input: what `forward` was given, rows × inputs.
    ///   - outputGradient: the loss's derivative by the output, rows × outputs.
    /// - Returns: the derivative by the input.
    package func backward<Scalar>(
        _ input: Matrix<Scalar>,
        _ outputGradient: Matrix<Scalar>,
        _ parameters: [Scalar],
        _ gradient: inout [Scalar]
    ) -> Matrix<Scalar> {
        addParameterGradient(input, outputGradient, &gradient)
        var inputGradient = Matrix<Scalar>.unset(rows: input.rows, columns: weight.columns)
        addInputGradient(outputGradient, parameters, to: &inputGradient, kept: 0)
        return inputGradient
    }

    /// inputGradient = kept · inputGradient + outputGradient · W.
    func addInputGradient<Scalar>(
        _ outputGradient: Matrix<Scalar>,
        _ parameters: [Scalar],
        to inputGradient: inout Matrix<Scalar>,
        kept: Double = 1
    ) {
        let product = MatrixProduct(
            rows: outputGradient.rows,
            columns: weight.columns,
            inner: weight.rows,
            left: .init(stride: outputGradient.columns),
            right: weight.operand,
            result: .init(stride: weight.columns),
            kept: kept
        )
        Scalar.multiply(product, outputGradient.values, parameters, &inputGradient.values)
    }

    /// Adds the derivatives by weight and bias to `gradient`.
    func addParameterGradient<Scalar>(
        _ input: Matrix<Scalar>,
        _ outputGradient: Matrix<Scalar>,
        _ gradient: inout [Scalar]
    ) {
        let product = MatrixProduct(
            rows: weight.rows,
            columns: weight.columns,
            inner: input.rows,
            left: .init(stride: outputGradient.columns, isTransposed: true),
            right: .init(stride: input.columns),
            result: weight.operand,
            kept: 1
        )
        Scalar.multiply(product, outputGradient.values, input.values, &gradient)
        if let bias { outputGradient.addColumnSums(to: &gradient, offset: bias.offset) }
    }
}
