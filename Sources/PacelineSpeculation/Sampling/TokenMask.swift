/// Tokens that may not be chosen at the first positions of a sequence.
package struct TokenMask: Sendable, Hashable {
    package static let none = TokenMask([], below: 0)

    /// Ascending.
    private let tokens: [Token]
    /// Absolute positions below this are masked.
    private let end: Int

    package init(_ tokens: some Sequence<Token>, below end: Int) {
        self.tokens = tokens.sorted()
        self.end = end
    }

    /// The tokens that may not be chosen at an absolute position.
    package func tokens(at position: Int) -> [Token] {
        position < end ? tokens : []
    }
}
