import PacelineTensor

/// YaRN's scaling of rotary embeddings to contexts longer than the training context (arXiv 2309.00071).
///
/// Pairs that turn often within the original context keep their frequency. Pairs that turn rarely are slowed by the
/// whole factor, and those in between lie on a ramp.
package struct YarnScaling: Sendable, Equatable {
    /// Length of the extended context ÷ length of the original.
    package let factor: Float
    package let originalContextLength: Int
    /// Pairs with at least this many turns keep their frequency (`yarn_beta_fast`).
    package let fastTurns: Float
    /// Pairs with at most this many turns are slowed by the whole factor (`yarn_beta_slow`).
    package let slowTurns: Float

    /// The divisor of the frequency of each of the `dimension` / 2 pairs.
    package func divisors(base: Float, dimension: Int) -> [Float] {
        let first = max(0, pair(turning: fastTurns, base, dimension).rounded(.down))
        let last = min(Float(dimension - 1), pair(turning: slowTurns, base, dimension).rounded(.up))
        return (0..<dimension / 2).map { pair in
            let slowed = min(1, max(0, (Float(pair) - first) / max(0.001, last - first)))
            return 1 / ((1 - slowed) + slowed / factor)
        }
    }

    /// The fractional index of the pair that turns `turns` times within the original context.
    private func pair(turning turns: Float, _ base: Float, _ dimension: Int) -> Float {
        let length = ExactMath.log(Float(originalContextLength) / (turns * 2 * .pi))
        return Float(dimension) * length / (2 * ExactMath.log(base))
    }

    /// The factor by which rotated values are multiplied, unless the model states another.
    ///
    /// - Parameter multiplier: `yarn_log_multiplier`: the share of the factor that the model's weights already apply; 0
    ///   for none.
    package func magnitude(multiplier: Float) -> Float {
        let length = 0.1 * ExactMath.log(factor)
        return (1 + length) / (1 + multiplier * length)
    }
}
