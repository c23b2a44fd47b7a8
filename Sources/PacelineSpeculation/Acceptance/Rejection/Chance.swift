/// Where the p/q rules get their randomness from, so that they are functions of explicit uniforms, and so that tests
/// can go through every outcome with its exact probability instead of drawing.
package protocol Chance {
    /// Whether an event of the given probability happens; always from 1 on, never at 0.
    mutating func happens(withProbability probability: Double) -> Bool

    /// A token drawn from a law.
    mutating func token(from law: TokenDistribution) -> Token
}

/// Chance that is decided by uniforms in [0, 1), one per question, in the order of the questions.
package struct UniformChance: Chance {
    private let nextUniform: () -> Double

    package init(_ nextUniform: @escaping () -> Double) {
        self.nextUniform = nextUniform
    }

    package mutating func happens(withProbability probability: Double) -> Bool {
        nextUniform() < probability
    }

    /// Inverts the distribution function; rounding at its end goes to the last possible token.
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
