/// What the target alone generates from a prompt, recorded.
///
/// With sample-match and shared noise the accepted tokens of any tree are a function of this stream: those that lie in
/// the tree, and the next one. So a method can be tried without the target, and its drafters see what they would see
/// in a live run.
package struct PlainStream: Sendable, Hashable {
    package let tokens: [Token]

    /// - Parameter tokens: up to the end of the text or of the budget.
    package init(_ tokens: [Token]) {
        self.tokens = tokens
    }

    /// The tokens that the target emits for a tree: the accepted ones and, unless the stream ends before it, the
    /// correction.
    ///
    /// - Parameter position: how many tokens of the stream are committed.
    package func verdict(on tree: TokenTree, at position: Int) -> [Token] {
        let rest = tokens.dropFirst(position)
        return Array(rest.prefix(tree.descend(rest).count + 1))
    }

    /// Runs a method against the stream to its end.
    ///
    /// - Parameter onRound: called after each round.
    package func replay(_ run: inout MethodRun, onRound: (MethodRound) throws -> Void) throws {
        while !run.isOver, run.tokens.count < tokens.count {
            let tree = try run.propose()
            try onRound(run.take(verdict(on: tree, at: run.tokens.count)))
        }
    }
}
