package import PacelineGrammar
package import PacelineSpeculation

/// Compiles the constraints of requests for drafters, which share one where they draft for one target.
///
/// Belongs to the thread of its drafters. A constraint that cannot be compiled counts as none: the verifier decides
/// what is legal anyhow.
package final class ConstraintCompiler {
    /// How many constraints are kept, for several drafters of one request and for requests alike.
    private static let keptLimit = 8

    private struct Kept {
        let draft: DraftConstraint
        /// Nil if it cannot be compiled.
        let constraint: Constraint?
    }

    /// Of the target, or one with the same tokens.
    package let tokenizer: Tokenizer
    private let onRefusal: (GrammarError) -> Void
    private var kept: [Kept] = []

    /// - Parameters:
    ///   - tokenizer: of the target, or one with the same tokens.
    ///   - onRefusal: told once of a constraint that cannot be compiled, while it is kept.
    package init(_ tokenizer: Tokenizer, onRefusal: @escaping (GrammarError) -> Void = { _ in }) {
        (self.tokenizer, self.onRefusal) = (tokenizer, onRefusal)
    }

    /// The text of a sequence with this constraint, before its base; nil if nothing is known of it.
    package func text(_ draft: DraftConstraint?) -> ConstrainedText? {
        guard let draft, let constraint = constraint(draft) else { return nil }
        return ConstrainedText(constraint, promptLength: draft.promptLength)
    }

    /// The compiled constraint; nil if it cannot be compiled.
    package func constraint(_ draft: DraftConstraint) -> Constraint? {
        if let index = kept.firstIndex(where: { $0.draft.isSameText(as: draft) }) {
            let known = kept.remove(at: index)
            kept.append(known)
            return known.constraint
        }
        var constraint: Constraint?
        do throws(GrammarError) {
            constraint = try Constraint(draft, tokenizer: tokenizer)
        } catch {
            onRefusal(error)
        }
        if kept.count == Self.keptLimit { kept.removeFirst() }
        kept.append(Kept(draft: draft, constraint: constraint))
        return constraint
    }
}

extension DraftConstraint {
    /// Whether the texts behind two prompts have to be the same.
    fileprivate func isSameText(as other: DraftConstraint) -> Bool {
        (grammar, beginning) == (other.grammar, other.beginning)
    }
}
