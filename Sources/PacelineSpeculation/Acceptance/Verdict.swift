/// What the verifier decided about a tree: the prefix the target agrees with, and the target's own token after it.
package struct Verdict: Sendable, Hashable {
    /// The accepted nodes, from a child of the base downwards; empty when the target agreed with none.
    package var path: [NodeIndex]
    /// The tokens of `path`.
    package var accepted: [Token]
    /// The target's own token after the accepted ones; the "bonus" where a whole path to a leaf was accepted.
    package var correction: Token

    package init(path: [NodeIndex], accepted: [Token], correction: Token) {
        self.path = path
        self.accepted = accepted
        self.correction = correction
    }

    /// What the base grows by: the accepted tokens and the correction.
    package var tokens: [Token] { accepted + [correction] }
}
