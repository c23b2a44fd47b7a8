/// A probability law over a vocabulary: what a token was, or will be, drawn from.
package struct TokenDistribution: Sendable, Hashable {
    /// By token; not negative, and summing to 1 but for rounding.
    package let probabilities: [Double]

    /// The law proportional to `weights`, or `nil` when they are no weights: negative, not finite, or all zero.
    package init?(weights: [Double]) {
        let total = weights.reduce(0, +)
        guard total > 0, total < .infinity, weights.allSatisfy({ $0 >= 0 }) else { return nil }
        probabilities = weights.map { $0 / total }
    }

    /// The probability of a token; 0 outside the vocabulary.
    package subscript(token: Token) -> Double {
        Int(token) < probabilities.count ? probabilities[Int(token)] : 0
    }

    /// The law of what is drawn next without replacement.
    ///
    /// When nothing probable is left, all tokens that have not been drawn are equally likely (Sequoia,
    /// arXiv 2402.12374); `nil` when none is left at all.
    package func excluding(_ drawn: some Collection<Token>) -> TokenDistribution? {
        guard !drawn.isEmpty else { return self }
        var isDrawn = [Bool](repeating: false, count: probabilities.count)
        for token in drawn where Int(token) < isDrawn.count {
            isDrawn[Int(token)] = true
        }
        let rest = probabilities.indices.map { isDrawn[$0] ? 0 : probabilities[$0] }
        return TokenDistribution(weights: rest) ?? TokenDistribution(weights: isDrawn.map { $0 ? 0 : 1 })
    }

    /// The positive part of `scale` times this law minus another measure: its law, and its mass.
    ///
    /// The law is `nil` where the mass is zero.
    func residual(scale: Double = 1, minus other: (Token) -> Double) -> (law: TokenDistribution?, mass: Double) {
        let weights = probabilities.indices.map { token in
            Swift.max(0, scale * probabilities[token] - other(Token(token)))
        }
        return (TokenDistribution(weights: weights), weights.reduce(0, +))
    }
}
