/// The verifier's decision on a tree: the path that the target agrees with, and the target's own token after it.
package struct Verdict: Sendable, Hashable {
    /// The accepted nodes, from a child of the base downwards; empty if the target accepted none.
    package var path: [NodeIndex]
    /// The tokens of `path`.
    package var accepted: [Token]
    /// The target's own token after the accepted ones; the "bonus" if a whole path to a leaf was accepted.
    package var correction: Token

    package init(path: [NodeIndex], accepted: [Token], correction: Token) {
        self.path = path
        self.accepted = accepted
        self.correction = correction
    }

    /// The tokens that the base gains: the accepted ones and the correction.
    package var tokens: [Token] { accepted + [correction] }
}
