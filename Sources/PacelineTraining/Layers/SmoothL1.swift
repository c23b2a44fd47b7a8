/// How far guessed features are from the target's, quadratic for small differences and linear for large ones.
///
/// With u = (guess - feature) / scale, the loss of a row is the mean over its values of u² / 2 if |u| < 1, and |u| - ½
/// otherwise. Dividing by the features' standard deviation makes it independent of the target's scale.
package struct SmoothL1: Equatable, Sendable {
    package let scale: Double

    package init(scale: Double) { self.scale = scale }

    /// - Parameters:
    ///   - guesses, features: rows × width.
    ///   - rowWeights: the factor of each row's loss.
    ///   - factor: of the whole, for the gradient only.
    ///   - gradient: the derivative by the guesses, to which this adds.
    /// - Returns: the weighted sum of the rows' losses, without `factor`.
    package func forward<Scalar>(
        _ guesses: Matrix<Scalar>,
        _ features: Matrix<Scalar>,
        rowWeights: [Double],
        factor: Double,
        addingGradientTo gradient: inout Matrix<Scalar>
    ) -> Double {
        var total = 0.0
        for row in 0..<guesses.rows where rowWeights[row] != 0 {
            let slope = Scalar(factor * rowWeights[row] / Double(guesses.columns) / scale)
            let start = row * guesses.columns
            let sum = loss(guesses.values, features.values, &gradient.values, start, guesses.columns, slope)
            total += rowWeights[row] * Double(sum) / Double(guesses.columns)
        }
        return total
    }

    private func loss<Scalar: TrainingScalar>(
        _ guesses: UnsafePointer<Scalar>,
        _ features: UnsafePointer<Scalar>,
        _ gradient: UnsafeMutablePointer<Scalar>,
        _ start: Int,
        _ count: Int,
        _ slope: Scalar
    ) -> Scalar {
        let reciprocal = Scalar(1 / scale)
        var sum: Scalar = 0
        for index in start..<start + count {
            let difference = (guesses[index] - features[index]) * reciprocal
            let inside = min(max(difference, -1), 1)
            gradient[index] += slope * inside
            // u²/2 inside; |u| - ½ outside, where the clamped value is ±1.
            sum += inside * (difference - 0.5 * inside)
        }
        return sum
    }
}
