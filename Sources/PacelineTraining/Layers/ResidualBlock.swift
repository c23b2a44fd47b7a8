/// y = skip(x) + silu(linear(x)), the block of Medusa's and Hydra's heads.
package struct ResidualBlock: Equatable, Sendable {
    package let linear: Linear
    /// Absent where x passes as it is.
    package let skip: Linear?

    /// - Parameter skips: whether x passes through a matrix; it must if inputs and outputs differ in size.
    package init(_ name: String, inputs: Int, outputs: Int, skips: Bool, in layout: inout ParameterLayout) {
        precondition(skips || inputs == outputs)
        linear = Linear("\(name).linear", inputs: inputs, outputs: outputs, bias: true, in: &layout)
        skip = skips ? Linear("\(name).skip", inputs: inputs, outputs: outputs, bias: true, in: &layout) : nil
    }

    /// What `backward` needs of `forward`.
    package struct Trace<Scalar: TrainingScalar>: Sendable {
        var input: Matrix<Scalar>
        /// linear(x), and its logistic function: rows × outputs.
        var raised: Matrix<Scalar>
        var opening: Matrix<Scalar>
    }

    /// - Parameter input: rows × inputs.
    /// - Returns: rows × outputs, and what `backward` needs.
    package func forward<Scalar>(
        _ input: Matrix<Scalar>,
        _ parameters: [Scalar]
    ) -> (output: Matrix<Scalar>, trace: Trace<Scalar>) {
        let raised = linear.forward(input, parameters)
        let opening = raised.logistic()
        var output = skip?.forward(input, parameters) ?? input
        output.addProducts(raised, opening)
        return (output, Trace(input: input, raised: raised, opening: opening))
    }

    /// Adds the parameters' gradient to `gradient` and returns the derivative by the input.
    package func backward<Scalar>(
        _ trace: Trace<Scalar>,
        _ outputGradient: Matrix<Scalar>,
        _ parameters: [Scalar],
        _ gradient: inout [Scalar]
    ) -> Matrix<Scalar> {
        let raised = addParameterGradient(trace, outputGradient, &gradient)
        var input = outputGradient
        if let skip {
            input = .unset(rows: trace.input.rows, columns: trace.input.columns)
            skip.addInputGradient(outputGradient, parameters, to: &input, kept: 0)
        }
        linear.addInputGradient(raised, parameters, to: &input)
        return input
    }

    /// Adds the parameters' gradient alone, for inputs that are constants.
    ///
    /// - Returns: the derivative by linear(x).
    @discardableResult
    func addParameterGradient<Scalar>(
        _ trace: Trace<Scalar>,
        _ outputGradient: Matrix<Scalar>,
        _ gradient: inout [Scalar]
    ) -> Matrix<Scalar> {
        var raised = outputGradient
        raised.throughSiLU(of: trace.raised, trace.opening)
        linear.addParameterGradient(trace.input, raised, &gradient)
        skip?.addParameterGradient(trace.input, outputGradient, &gradient)
        return raised
    }
}

extension Matrix {
    /// Adds the products of two matrices' numbers.
    fileprivate mutating func addProducts(_ a: Matrix, _ b: Matrix) {
        values.withUnsafeMutableBufferPointer { values in
            a.values.withUnsafeBufferPointer { a in
                b.values.withUnsafeBufferPointer { b in
                    for i in 0..<values.count { values[i] += a[i] * b[i] }
                }
            }
        }
    }

    /// Turns derivatives by silu(x) into derivatives by x, of which `opening` is the logistic function.
    fileprivate mutating func throughSiLU(of x: Matrix, _ opening: Matrix) {
        values.withUnsafeMutableBufferPointer { values in
            x.values.withUnsafeBufferPointer { x in
                opening.values.withUnsafeBufferPointer { open in
                    for i in 0..<values.count { values[i] *= open[i] * (1 + x[i] * (1 - open[i])) }
                }
            }
        }
    }
}
