import PacelineGrammar
import PacelineModel
import PacelineSpeculation

/// What the text of a request must be, before it is compiled.
struct PendingConstraint: Sendable {
    private let requested: RequestedConstraint
    private let beginning: Constraint.Beginning
    private let tokenizer: Tokenizer
    /// The tokens of each choice that is gone on with.
    private let resumed: [[Token]?]

    /// - Parameters:
    ///   - beginning: where the text begins that it holds for.
    ///   - resumed: the tokens of each choice that is gone on with; nil without a resumption.
    init(
        _ requested: RequestedConstraint,
        beginning: Constraint.Beginning,
        tokenizer: Tokenizer,
        resumed: [[Token]?]?
    ) {
        (self.requested, self.beginning, self.tokenizer) = (requested, beginning, tokenizer)
        self.resumed = resumed ?? []
    }

    /// Takes as long as a hostile client makes it, up to the limits of grammars.
    ///
    /// - Throws: ``APIError`` (400) if it cannot be used, or does not allow what is gone on with.
    func compile() throws(APIError) -> Constraint {
        let constraint: Constraint
        do throws(GrammarError) {
            constraint = try Constraint(requested.source, beginning: beginning, tokenizer: tokenizer)
        } catch {
            throw requested.refusal(error)
        }
        for (choice, tokens) in resumed.enumerated() where !constraint.takes(tokens ?? []) {
            throw .invalidRequest(
                "resume.tokens has tokens of choice \(choice) that \(requested.field) does not allow; "
                    + "send those of the answer itself",
                param: "resume.tokens"
            )
        }
        return constraint
    }
}
