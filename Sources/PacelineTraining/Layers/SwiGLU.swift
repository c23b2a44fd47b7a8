/// y = down(silu(gate(x)) · up(x)) (Shazeer 2020, arXiv 2002.05202), the feed-forward block of llama and Qwen.
package struct SwiGLU: Equatable, Sendable {
    package let gate: Linear
    package let up: Linear
    package let down: Linear

    package init(width: Int, hidden: Int, in layout: inout ParameterLayout) {
        gate = Linear("ffn_gate", inputs: width, outputs: hidden, in: &layout)
        up = Linear("ffn_up", inputs: width, outputs: hidden, in: &layout)
        down = Linear("ffn_down", inputs: hidden, outputs: width, in: &layout)
    }

    /// What `backward` needs of `forward`: three matrices of rows × hidden.
    package struct Trace<Scalar: TrainingScalar>: Sendable {
        /// gate(x), and its logistic function.
        var gated: Matrix<Scalar>
        var opening: Matrix<Scalar>
        var raised: Matrix<Scalar>
        /// silu(gate(x)) · up(x).
        var hidden: Matrix<Scalar>
    }

    /// - Parameter input: rows × width.
    /// - Returns: rows × width, and what `backward` needs.
    package func forward<Scalar>(
        _ input: Matrix<Scalar>,
        _ parameters: [Scalar]
    ) -> (output: Matrix<Scalar>, trace: Trace<Scalar>) {
        let gated = gate.forward(input, parameters)
        let raised = up.forward(input, parameters)
        let opening = gated.logistic()
        var hidden = Matrix<Scalar>.unset(rows: input.rows, columns: gated.columns)
        hidden.setProducts(gated, opening, raised)
        let output = down.forward(hidden, parameters)
        return (output, Trace(gated: gated, opening: opening, raised: raised, hidden: hidden))
    }

    /// Adds the parameters' gradient to `gradient` and returns the derivative by the input.
    package func backward<Scalar>(
        _ input: Matrix<Scalar>,
        _ trace: Trace<Scalar>,
        _ outputGradient: Matrix<Scalar>,
        _ parameters: [Scalar],
        _ gradient: inout [Scalar]
    ) -> Matrix<Scalar> {
        var raisedGradient = down.backward(trace.hidden, outputGradient, parameters, &gradient)
        var gatedGradient = raisedGradient
        trace.derive(&gatedGradient.values, &raisedGradient.values)
        var inputGradient = up.backward(input, raisedGradient, parameters, &gradient)
        gate.addParameterGradient(input, gatedGradient, &gradient)
        gate.addInputGradient(gatedGradient, parameters, to: &inputGradient)
        return inputGradient
    }
}

extension SwiGLU.Trace {
    /// Turns derivatives by the hidden values into derivatives by gate(x) and up(x).
    fileprivate func derive(_ gatedGradient: inout [Scalar], _ raisedGradient: inout [Scalar]) {
        gatedGradient.withUnsafeMutableBufferPointer { dGate in
            raisedGradient.withUnsafeMutableBufferPointer { dUp in
                gated.values.withUnsafeBufferPointer { gate in
                    opening.values.withUnsafeBufferPointer { open in
                        raised.values.withUnsafeBufferPointer { up in
                            for i in 0..<dGate.count {
                                let dHidden = dGate[i]
                                dUp[i] = dHidden * gate[i] * open[i]
                                dGate[i] = dHidden * up[i] * open[i] * (1 + gate[i] * (1 - open[i]))
                            }
                        }
                    }
                }
            }
        }
    }
}

extension Matrix {
    /// 1 / (1 + e^-x) of all numbers.
    func logistic() -> Matrix {
        var result = self
        result.values.withUnsafeMutableBufferPointer { values in
            guard let start = values.baseAddress else { return }
            // With the exponential of -|x| nothing overflows.
            for i in 0..<values.count { values[i] = -values[i].magnitude }
            Scalar.exponentiate(start, count: values.count)
            self.values.withUnsafeBufferPointer { x in
                for i in 0..<values.count { values[i] = (x[i] < 0 ? values[i] : 1) / (1 + values[i]) }
            }
        }
        return result
    }

    /// Sets all numbers to the products of those of three matrices.
    fileprivate mutating func setProducts(_ a: Matrix, _ b: Matrix, _ c: Matrix) {
        values.withUnsafeMutableBufferPointer { values in
            a.values.withUnsafeBufferPointer { a in
                b.values.withUnsafeBufferPointer { b in
                    c.values.withUnsafeBufferPointer { c in
                        for i in 0..<values.count { values[i] = a[i] * b[i] * c[i] }
                    }
                }
            }
        }
    }
}
