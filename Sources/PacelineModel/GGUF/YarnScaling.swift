import PacelineTensor

/// YaRN's scaling of rotary embeddings to contexts longer than the one a model was trained for (arXiv 2309.00071).
///
/// Pairs that turn often within the original context keep their frequency, those that turn less than once are slowed by
/// the factor, and those between lie on a ramp.
package struct YarnScaling: Sendable, Equatable {
    /// How many times longer the context is.
    package let factor: Float
    package let originalContextLength: Int
    /// Pairs that turn at least so often keep their frequency (`yarn_beta_fast`).
    package let fastTurns: Float
    /// Pairs that turn at most so often are slowed by the whole factor (`yarn_beta_slow`).
    package let slowTurns: Float

    /// What the frequency of each of `dimension` / 2 pairs is divided by.
    package func divisors(base: Float, dimension: Int) -> [Float] {
        let first = max(0, pair(turning: fastTurns, base, dimension).rounded(.down))
        let last = min(Float(dimension - 1), pair(turning: slowTurns, base, dimension).rounded(.up))
        return (0..<dimension / 2).map { pair in
            let slowed = min(1, max(0, (Float(pair) - first) / max(0.001, last - first)))
            return 1 / ((1 - slowed) + slowed / factor)
        }
    }

    /// The pair, as a fraction, that turns `turns` times within the original context.
    private func pair(turning turns: Float, _ base: Float, _ dimension: Int) -> Float {
        let length = ExactMath.log(Float(originalContextLength) / (turns * 2 * .pi))
        return Float(dimension) * length / (2 * ExactMath.log(base))
    }

    /// What rotated values are multiplied by unless the model says otherwise.
    ///
    /// - Parameter multiplier: `yarn_log_multiplier`: the share of it that the model's weights make up for, 0 for none.
    package func magnitude(multiplier: Float) -> Float {
        let length = 0.1 * ExactMath.log(factor)
        return (1 + length) / (1 + multiplier * length)
    }
}
