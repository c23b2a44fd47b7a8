/// The largest token tree allowed. Every peer enforces these limits on the trees it receives.
package struct TreeLimits: Sendable, Hashable {
    /// The most nodes a tree may hold.
    package var nodes: Int
    /// The greatest depth of a node; a child of the base has depth 1.
    package var depth: Int
    /// Tokens must be below this; nil if the vocabulary is unknown.
    package var vocabularySize: Int?

    package init(nodes: Int = 512, depth: Int = 32, vocabularySize: Int? = nil) {
        self.nodes = nodes
        self.depth = depth
        self.vocabularySize = vocabularySize
    }
}
