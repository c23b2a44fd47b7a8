/// What becomes of a tree when the base below it grows: the part that survives, and how old nodes map to new.
package struct Rerooting: Sendable, Equatable {
    /// The tokens by which the base has grown: accepted tokens and the correction.
    package var committed: [Token]
    /// The old nodes whose tokens are now part of the base, in order: they carry the first `path.count` of the
    /// `committed` tokens. The tokens left the tree after them where `path` is shorter than `committed`.
    package var path: [NodeIndex]
    /// The old nodes that survive, ascending. Node `i` of `tree` is the old node `kept[i]`.
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
