/// What remains of a tree when its base grows: the surviving part, and how old nodes map to new ones.
package struct Rerooting: Sendable, Equatable {
    /// The tokens that the base has gained: accepted tokens and the correction.
    package var committed: [Token]
    /// The old nodes whose tokens are now part of the base, in order. They carry the first `path.count` of the
    /// `committed` tokens. If `path` is shorter than `committed`, the tokens left the tree after it.
    package var path: [NodeIndex]
    /// The old nodes that survive, in ascending order. Node `i` of `tree` is the old node `kept[i]`.
    package var kept: [NodeIndex]
    /// The tree below the new base.
    package var tree: TokenTree

    package init(committed: [Token], path: [NodeIndex], kept: [NodeIndex], tree: TokenTree) {
        self.committed = committed
        self.path = path
        self.kept = kept
        self.tree = tree
    }
}
