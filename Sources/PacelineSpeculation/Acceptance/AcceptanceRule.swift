/// Makes a verdict from a tree and the target's answers about it.
package protocol AcceptanceRule: Sendable {
    /// The target's answer at a node.
    associatedtype Answer

    /// Whether the emitted tokens are distributed exactly as the target alone would emit them.
    var isLossless: Bool { get }

    /// Decides about a tree.
    ///
    /// - Parameters:
    ///   - tree: the drafted tree.
    ///   - target: answers for the position after a node, or after the base for `nil`. It is asked at most once per
    ///     node, a parent before its children, and only at nodes whose whole path is accepted.
    /// - Throws: only what `target` throws.
    func verdict<Failure: Error>(
        on tree: TokenTree,
        target: (NodeIndex?) throws(Failure) -> Answer
    ) throws(Failure) -> Verdict
}
