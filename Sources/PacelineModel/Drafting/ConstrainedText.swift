package import PacelineSpeculation

/// The text of a sequence with a constraint, as a drafter follows it.
///
/// The verifier decides what is legal. If its text is not legal here, because the two do not take the same tokens for
/// special ones, all tokens are from then on.
package final class ConstrainedText {
    /// By how many numbers of four bytes an automaton may grow with what is drafted before it is made anew.
    private static let growthLimit = 1 << 22

    private let constraint: Constraint
    private let promptLength: Int
    private var cursor: ConstraintCursor
    /// Tokens of the base, prompt included.
    private var length = 0
    /// Those behind the prompt.
    private var generated: [Token] = []
    private var isLost = false
    /// The automaton's size when it was made for these tokens.
    private var leastSize = 0

    package init(_ constraint: Constraint, promptLength: Int) {
        (self.constraint, self.promptLength) = (constraint, promptLength)
        cursor = ConstraintCursor(constraint)
    }

    /// The base has grown; its first tokens are the prompt's.
    package func append(_ tokens: [Token]) {
        let new = tokens.dropFirst(max(0, promptLength - length))
        length += tokens.count
        generated += new
        for token in new where !isLost { isLost = !cursor.advance(by: token) }
        if cursor.size - leastSize > Self.growthLimit { restart() }
    }

    private func restart() {
        cursor = ConstraintCursor(constraint)
        for token in generated where !isLost { isLost = !cursor.advance(by: token) }
        leastSize = cursor.size
    }

    /// What is legal behind some tokens below the base.
    package func legalTokens(behind path: [Token] = []) -> LegalTokens {
        guard !isLost, length >= promptLength else { return .all }
        var place = cursor.place
        for token in path {
            guard let next = cursor.place(behind: token, at: place) else { return .none }
            place = next
        }
        return .constrained(cursor, at: place)
    }
}
