/// How large a token tree may become; the limits that every peer enforces on what it receives.
package struct TreeLimits: Sendable, Hashable {
    /// The most nodes a tree may hold.
    package var nodes: Int
    /// The deepest a node may lie; a child of the base has depth 1.
    package var depth: Int
    /// Tokens must be below this where the vocabulary is known.
    package var vocabularySize: Int?

    package init(nodes: Int = 512, depth: Int = 32, vocabularySize: Int? = nil) {
        self.nodes = nodes
        self.depth = depth
        self.vocabularySize = vocabularySize
    }
}
