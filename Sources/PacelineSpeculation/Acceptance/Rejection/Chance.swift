/// The source of randomness of the p/q rules. It makes them functions of explicit uniforms, and lets tests enumerate
/// every outcome with its exact probability instead of drawing.
package protocol Chance {
    /// Whether an event of the given probability happens; always if it is 1 or more, never if it is 0.
    mutating func happens(withProbability probability: Double) -> Bool

    /// A token drawn from a distribution.
    mutating func token(from law: TokenDistribution) -> Token
}

/// Takes one uniform in [0, 1) per question, in the order of the questions.
package struct UniformChance: Chance {
    private let nextUniform: () -> Double

    package init(_ nextUniform: @escaping () -> Double) {
        self.nextUniform = nextUniform
    }

    /// A stream that depends only on its seed; copies go on with the same one.
    package init(seed: UInt64) {
        var generator = SplitMix(seed: seed)
        self.init { generator.nextUnit() }
    }

    /// A seed for other noise.
    func seed() -> UInt64 { UInt64(nextUniform() * 0x1p53) }

    package mutating func happens(withProbability probability: Double) -> Bool {
        nextUniform() < probability
    }

    /// Inverts the cumulative distribution; a remainder from rounding goes to the last possible token.
    package mutating func token(from law: TokenDistribution) -> Token {
        var left = nextUniform()
        var last = 0
        for (token, probability) in law.probabilities.enumerated() where probability > 0 {
            if left < probability { return Token(token) }
            left -= probability
            last = token
        }
        return Token(last)
    }
}
