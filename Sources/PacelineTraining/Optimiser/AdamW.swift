/// Adam with decoupled weight decay (Loshchilov, Hutter 2019, arXiv 1711.05101).
package struct AdamW: Equatable, Sendable {
    package var firstDecay: Double
    package var secondDecay: Double
    package var epsilon: Double
    /// Of matrices alone; vectors (norms, biases) keep their size.
    package var weightDecay: Double

    package init(
        firstDecay: Double = 0.9,
        secondDecay: Double = 0.95,
        epsilon: Double = 1e-8,
        weightDecay: Double = 0
    ) {
        (self.firstDecay, self.secondDecay) = (firstDecay, secondDecay)
        (self.epsilon, self.weightDecay) = (epsilon, weightDecay)
    }

    /// One update of all parameters.
    ///
    /// - Parameters:
    ///   - state: parameters and moments; its step number goes up by one.
    ///   - gradient: the loss's derivative by the parameters, clipped.
    ///   - gradientScale: a factor of the whole gradient.
    @_specialize(where Scalar == Float)
    package func update<Scalar: TrainingScalar>(
        _ state: inout TrainingState<Scalar>,
        layout: ParameterLayout,
        gradient: [Scalar],
        gradientScale: Double = 1,
        learningRate: Double
    ) {
        state.step += 1
        // What the moments, which began with zeros, lack.
        let firstGap = 1 - power(firstDecay, state.step)
        let secondGap = 1 - power(secondDecay, state.step)
        let factors = Factors<Scalar>(
            gradient: Scalar(gradientScale),
            first: Scalar(firstDecay),
            second: Scalar(secondDecay),
            rate: Scalar(learningRate / firstGap),
            secondGap: Scalar(1 / secondGap),
            epsilon: Scalar(epsilon)
        )
        for tensor in layout.tensors {
            let decay = tensor.slice.rows > 1 ? Scalar(learningRate * weightDecay) : 0
            factors.apply(
                tensor.slice.range,
                gradient,
                &state.parameters,
                &state.firstMoments,
                &state.secondMoments,
                decay: decay
            )
        }
    }

    /// The power by squaring, without a C library.
    private func power(_ base: Double, _ exponent: Int) -> Double {
        var (result, square, rest) = (1.0, base, exponent)
        while rest > 0 {
            if rest & 1 == 1 { result *= square }
            square *= square
            rest >>= 1
        }
        return result
    }
}

/// The numbers of one update.
private struct Factors<Scalar: TrainingScalar> {
    let gradient: Scalar
    let first: Scalar
    let second: Scalar
    let rate: Scalar
    let secondGap: Scalar
    let epsilon: Scalar

    func apply(
        _ range: Range<Int>,
        _ slopes: UnsafePointer<Scalar>,
        _ parameters: UnsafeMutablePointer<Scalar>,
        _ firstMoments: UnsafeMutablePointer<Scalar>,
        _ secondMoments: UnsafeMutablePointer<Scalar>,
        decay: Scalar
    ) {
        for index in range {
            let slope = gradient * slopes[index]
            let mean = first * firstMoments[index] + (1 - first) * slope
            let square = second * secondMoments[index] + (1 - second) * slope * slope
            firstMoments[index] = mean
            secondMoments[index] = square
            let change = rate * mean / ((square * secondGap).squareRoot() + epsilon)
            parameters[index] -= change + decay * parameters[index]
        }
    }
}
