/// A token that a drafter proposes to follow a node.
package struct Candidate: Sendable, Hashable {
    package var token: Token
    /// Natural logarithm of the drafter's estimate of the probability that the target takes `token` here. Finite, at
    /// most 0.
    ///
    /// Target and drafter share their noise, so this is the estimate *given the noise*. It is near 0 for the largest
    /// perturbed logit of a drafter that is usually right. The verifier calibrates it by how often tokens are accepted.
    package var logProbability: Float

    package init(token: Token, logProbability: Float) {
        self.token = token
        self.logProbability = logProbability
    }
}
