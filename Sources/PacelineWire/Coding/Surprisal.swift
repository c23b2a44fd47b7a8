/// A log-probability on the wire: -ln q in 1/1024 nat, at most 65,535 (about 64 nat).
///
/// A whole number of steps cannot be infinite, NaN or a positive log-probability. It takes two bytes where it matters,
/// and is precise enough for advice.
enum Surprisal {
    static let stepsPerNat: Float = 1024
    static let maximum: UInt32 = 65_535

    /// The nearest step; log-probabilities beyond the scale become its maximum.
    static func steps(of logProbability: Float) -> UInt32 {
        let steps = (-logProbability * stepsPerNat).rounded()
        return steps < Float(maximum) ? UInt32(max(0, steps)) : maximum
    }

    static func logProbability(of steps: UInt32) -> Float {
        steps == 0 ? 0 : -Float(steps) / stepsPerNat
    }
}
