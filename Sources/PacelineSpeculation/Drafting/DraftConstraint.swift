/// What the text of a request must be, as drafters are told.
///
/// Advice: a drafter that cannot follow it drafts as if there were none, and the verifier refuses what is not legal.
/// `PacelineModel` compiles it for a tokenizer.
package struct DraftConstraint: Sendable, Hashable {
    /// Where the constrained text begins.
    package enum Beginning: Sendable, Hashable, CaseIterable {
        /// With the first generated token.
        case first
        /// Behind the thoughts, if the answer begins with some.
        case afterOptionalThoughts
        /// Behind the thoughts, which the prompt has begun.
        case afterThoughts
    }

    /// The grammar as a JSON text, which `GrammarSource` of `PacelineGrammar` reads and writes. It may be of a form
    /// that this build does not know.
    package let grammar: String
    package let beginning: Beginning
    /// How many of the sequence's tokens are prompt. What is generated begins behind them.
    package let promptLength: Int

    package init(grammar: String, beginning: Beginning, promptLength: Int) {
        (self.grammar, self.beginning, self.promptLength) = (grammar, beginning, promptLength)
    }
}
