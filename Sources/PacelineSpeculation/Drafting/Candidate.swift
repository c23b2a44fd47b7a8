/// A token that a drafter proposes to follow a node.
package struct Candidate: Sendable, Hashable {
    package var token: Token
    /// Natural logarithm of the probability that the target takes `token` here, as the drafter believes. Finite, at
    /// most 0.
    ///
    /// With noise shared between target and drafter this is the belief *given the noise*: near 0 for the largest
    /// perturbed logit of a drafter that is usually right. The verifier calibrates it against what is accepted.
    package var logProbability: Float

    package init(token: Token, logProbability: Float) {
        self.token = token
        self.logProbability = logProbability
    }
}
