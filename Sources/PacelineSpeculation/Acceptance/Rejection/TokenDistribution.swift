/// A probability distribution over a vocabulary, from which tokens are drawn.
package struct TokenDistribution: Sendable, Hashable {
    /// By token; not negative, and adding up to 1 except for rounding.
    package let probabilities: [Double]

    /// The distribution proportional to `weights`; `nil` if any is negative or not finite, or all are zero.
    package init?(weights: [Double]) {
        let total = weights.reduce(0, +)
        guard total > 0, total < .infinity, weights.allSatisfy({ $0 >= 0 }) else { return nil }
        probabilities = weights.map { $0 / total }
    }

    /// The distribution that has one token alone.
    package init?(certainly token: Token) {
        self.init(weights: (0...Int(token)).map { $0 == Int(token) ? 1 : 0 })
    }

    /// The probability of a token; 0 outside the vocabulary.
    package subscript(token: Token) -> Double {
        Int(token) < probabilities.count ? probabilities[Int(token)] : 0
    }

    /// The distribution of the next token drawn without replacement.
    ///
    /// If no token with a positive probability is left, all tokens not yet drawn are equally likely (Sequoia,
    /// arXiv 2402.12374); `nil` if no token is left at all.
    package func excluding(_ drawn: some Collection<Token>) -> TokenDistribution? {
        guard !drawn.isEmpty else { return self }
        var isDrawn = [Bool](repeating: false, count: probabilities.count)
        for token in drawn where Int(token) < isDrawn.count {
            isDrawn[Int(token)] = true
        }
        let rest = probabilities.indices.map { isDrawn[$0] ? 0 : probabilities[$0] }
        return TokenDistribution(weights: rest) ?? TokenDistribution(weights: isDrawn.map { $0 ? 0 : 1 })
    }

    /// In nats.
    var entropy: Double {
        probabilities.reduce(0) { $1 > 0 ? $0 - $1 * Double.logarithm($1) : $0 }
    }

    /// The positive part of `scale` times this distribution minus another measure, normalised, and its mass.
    ///
    /// The distribution is `nil` if the mass is zero.
    func residual(scale: Double = 1, minus other: (Token) -> Double) -> (law: TokenDistribution?, mass: Double) {
        let weights = probabilities.indices.map { token in
            Swift.max(0, scale * probabilities[token] - other(Token(token)))
        }
        return (TokenDistribution(weights: weights), weights.reduce(0, +))
    }
}
