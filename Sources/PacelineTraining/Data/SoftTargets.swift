/// What the target would choose at each row: weights of some tokens of the draft vocabulary.
///
/// The loss of a row is Σ weight · (-log q(token)), where q is the head's law over the draft vocabulary.
package struct SoftTargets<Scalar: TrainingScalar>: Equatable, Sendable {
    /// Row r's tokens are those at starts[r]..<starts[r + 1].
    package private(set) var starts: [Int] = [0]
    package private(set) var tokens: [Int] = []
    package private(set) var weights: [Scalar] = []
    /// The target's own choice by row, or -1 if it is not in the draft vocabulary, or unknown.
    package private(set) var best: [Int] = []

    package init() {}

    package var rows: Int { starts.count - 1 }

    /// Appends a row that teaches nothing.
    mutating func appendEmpty() {
        starts.append(tokens.count)
        best.append(-1)
    }

    /// Appends a row.
    ///
    /// Rows whose most probable token is not in the draft vocabulary teach nothing: the head cannot say that token, and
    /// what remains of the law would teach it to be sure of the second best.
    ///
    /// - Parameters:
    ///   - top: the target's most probable tokens, the most probable first, with their log-probabilities.
    ///   - mix: how the law's cut-off part is treated.
    package mutating func append(_ top: [TopToken], vocabulary: DraftVocabulary, mix: TokenLossMix) {
        guard let first = top.first, let best = vocabulary.draftToken(of: first.token) else { return appendEmpty() }
        let known = top.compactMap { entry in
            vocabulary.draftToken(of: entry.token).map {
                (token: $0, probability: Scalar.exponential(Scalar(entry.logProbability)))
            }
        }
        let mass = known.reduce(0) { $0 + $1.probability }
        guard mass > 0 else { return appendEmpty() }
        let factor = Scalar(mix.renormalised) / mass + Scalar(mix.cutOff)
        for entry in known {
            tokens.append(entry.token)
            weights.append(factor * entry.probability)
        }
        starts.append(tokens.count)
        self.best.append(best)
    }
}

/// One of the target's most probable tokens at a position.
package struct TopToken: Equatable, Sendable {
    package let token: Int
    /// The natural logarithm of its probability.
    package let logProbability: Float

    package init(token: Int, logProbability: Float) {
        (self.token, self.logProbability) = (token, logProbability)
    }
}

/// The weights of two cross entropies over the target's most probable tokens.
package struct TokenLossMix: Equatable, Sendable {
    /// Of the soft cross entropy, whose law is renormalised over those tokens that the draft vocabulary has.
    package let renormalised: Double
    /// Of HASS's top-k cross entropy, whose probabilities are taken as they are: unsure rows count less.
    package let cutOff: Double

    package init(renormalised: Double, cutOff: Double = 0) {
        (self.renormalised, self.cutOff) = (renormalised, cutOff)
    }
}
