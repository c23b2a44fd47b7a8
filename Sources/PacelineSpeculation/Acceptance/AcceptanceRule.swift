/// How a verdict is made from a tree and from what the target says about it.
package protocol AcceptanceRule: Sendable {
    /// What the rule asks the target at a node.
    associatedtype Answer

    /// Whether the emitted tokens are distributed exactly as the target alone would emit them.
    var isLossless: Bool { get }

    /// Decides about a tree.
    ///
    /// - Parameters:
    ///   - tree: the drafted tree.
    ///   - target: what the target says after the path to a node, or after the base for `nil`. It is asked at most
    ///     once per node, a parent before its children, and only at nodes whose whole path is accepted.
    /// - Throws: only what `target` throws.
    func verdict<Failure: Error>(
        on tree: TokenTree,
        target: (NodeIndex?) throws(Failure) -> Answer
    ) throws(Failure) -> Verdict
}
