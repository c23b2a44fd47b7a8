package import PacelineGrammar
package import PacelineSpeculation

/// The tokens that a constraint allows at one place of a text.
package enum LegalTokens {
    case all
    case constrained(ConstraintCursor, at: ConstraintCursor.Place)
    case none

    /// Whether no token can be legal.
    package var isEmpty: Bool {
        if case .none = self { true } else { false }
    }

    package func contains(_ token: Token) -> Bool {
        switch self {
        case .all: true
        case .constrained(let cursor, let place): cursor.place(behind: token, at: place) != nil
        case .none: false
        }
    }

    /// Nil if all tokens are legal.
    package var mask: TokenBits? {
        switch self {
        case .all: nil
        case .constrained(let cursor, let place): cursor.mask(at: place)
        case .none: TokenBits(count: 0)
        }
    }

    /// What is legal behind a piece of text, in whatever tokens.
    package func behind(_ bytes: some Collection<UInt8>) -> LegalTokens {
        guard case .constrained(let cursor, let place) = self else { return self }
        return cursor.place(behindText: Array(bytes)[...], at: place).map { .constrained(cursor, at: $0) } ?? .none
    }
}
