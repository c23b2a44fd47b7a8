/// Whatever proposes tokens: a small model, n-gram lookup, a suffix automaton.
///
/// One drafter serves one sequence on one thread; it is neither shared nor `Sendable`. It works against a tree that
/// its owner holds, grows and re-roots, and knows the tree's nodes by index:
///
/// ```swift
/// try drafter.begin(base: tokens, sampling: sampling)
/// while let frontier = grower.next(tree) {
///     let proposals = try drafter.expand(tree, at: frontier, width: width)
///     try grower.insert(proposals, at: frontier, into: &tree)
/// }
/// try grower.admit(into: &tree, isGrowing: false)
/// let rerooting = tree.reroot(after: verdict.tokens)
/// tree = rerooting.tree
/// try drafter.advance(rerooting)
/// ```
///
/// A drafter with a KV cache keeps a slot per node that it has run. Between calls the tree may gain nodes behind those
/// it had, from this drafter's proposals or another's, but indices change only through ``advance(_:)``. Conformers may
/// be classes or structs.
package protocol Drafter {
    /// Whether a step runs no model. Steps are then so cheap that the planner need not count them.
    var isModelFree: Bool { get }

    /// Starts a sequence, forgetting any other.
    ///
    /// - Parameters:
    ///   - base: the committed tokens, prompt included; at least one.
    ///   - sampling: what the target samples with; noise is keyed by its seed and the absolute position.
    mutating func begin(base: [Token], sampling: SamplingParameters) throws

    /// Proposes children for frontier nodes, all in one batched step.
    ///
    /// - Parameters:
    ///   - tree: the tree below the current base.
    ///   - nodes: the distinct nodes to expand; `nil` is the base. Ancestors of a node may be unknown to the drafter
    ///     (another one drafted them), in which case it runs them as well.
    ///   - width: the most children to propose for each node.
    /// - Returns: for each of `nodes`, distinct candidates, the preferred one first; empty where it has none.
    mutating func expand(_ tree: TokenTree, at nodes: [NodeIndex?], width: Int) throws -> [[Candidate]]

    /// Follows the tree to its new base.
    ///
    /// Nodes of `rerooting.path` become base, so their cache slots do too; tokens of `rerooting.committed` beyond them
    /// have still to be run. Nodes of `rerooting.kept` survive under new indices, every other node is gone. An empty
    /// `committed` only drops nodes.
    mutating func advance(_ rerooting: Rerooting) throws
}
