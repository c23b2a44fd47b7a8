/// Proposes tokens: with a small model, n-gram lookup or a suffix automaton.
///
/// One drafter serves one sequence on one thread; it is neither shared nor `Sendable`. Its owner holds, grows and
/// re-roots the tree, whose nodes the drafter knows by index:
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
/// A drafter with a KV cache keeps a slot for each node that it has run. Between calls the tree may gain nodes at its
/// end, from this drafter or another, but indices change only through ``advance(_:)``.
package protocol Drafter {
    /// Whether a step runs no model. The cost of such steps is negligible.
    var isModelFree: Bool { get }

    /// Starts a sequence and forgets the previous one.
    ///
    /// - Parameters:
    ///   - base: the committed tokens, prompt included; at least one.
    ///   - sampling: the target's sampling parameters; noise is keyed by their seed and the absolute position.
    mutating func begin(base: [Token], sampling: SamplingParameters) throws

    /// Starts a sequence of which it is known what its text must be. Whoever runs drafters calls this one.
    ///
    /// A drafter that makes use of the constraint implements it; others do without. One that wraps others passes it on.
    ///
    /// - Parameters:
    ///   - base: the first committed tokens; maybe only a part of the prompt, and ``advance(_:)`` brings the rest.
    ///   - constraint: nil if every text is legal.
    mutating func begin(base: [Token], sampling: SamplingParameters, constraint: DraftConstraint?) throws

    /// Proposes children for frontier nodes, all in one batched step.
    ///
    /// - Parameters:
    ///   - tree: the tree below the current base.
    ///   - nodes: the distinct nodes to expand; `nil` is the base. If another drafter proposed ancestors of a node,
    ///     this one runs them as well.
    ///   - width: the most children to propose for each node.
    /// - Returns: for each of `nodes`, distinct candidates, the preferred one first; may be empty.
    mutating func expand(_ tree: TokenTree, at nodes: [NodeIndex?], width: Int) throws -> [[Candidate]]

    /// Follows the tree to its new base.
    ///
    /// Nodes of `rerooting.path` and their cache slots become part of the base; later tokens of `rerooting.committed`
    /// still have to be run. Nodes of `rerooting.kept` survive under new indices; all other nodes are gone. If
    /// `committed` is empty, nodes are only dropped.
    mutating func advance(_ rerooting: Rerooting) throws
}

extension Drafter {
    /// Ignores the constraint.
    package mutating func begin(
        base: [Token],
        sampling: SamplingParameters,
        constraint: DraftConstraint?
    ) throws {
        try begin(base: base, sampling: sampling)
    }
}
