/// How probable the target found a token at its position, by the raw softmax of the logits: before biases, penalties
/// and temperature.
package struct TokenLogProbability: Sendable, Hashable {
    package var token: Token
    /// Natural logarithm, at most 0.
    package var logProbability: Float
    /// The most probable tokens here, most probable first; among equals the lower id comes first.
    package var top: [Candidate]

    package init(token: Token, logProbability: Float, top: [Candidate]) {
        self.token = token
        self.logProbability = logProbability
        self.top = top
    }
}
