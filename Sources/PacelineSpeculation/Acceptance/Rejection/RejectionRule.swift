/// Lossless acceptance by comparing the target's distribution p with the drafter's q: the p/q family.
///
/// The output follows the target's distribution but depends on the draft, unlike that of ``SampleMatch``. It is exact
/// only for drafts as ``SampledTree`` describes them, from workers that report their distributions honestly.
package protocol RejectionRule: Sendable {
    /// Decides about a tree.
    ///
    /// - Parameters:
    ///   - tree: the drafted tree.
    ///   - target: the target's distribution after the path to a node, or after the base for `nil`.
    ///   - chance: the randomness of the decision, independent of the draft's.
    /// - Throws: only what `target` throws.
    func verdict<Failure: Error, Source: Chance>(
        on tree: SampledTree,
        target: (NodeIndex?) throws(Failure) -> TokenDistribution,
        chance: inout Source
    ) throws(Failure) -> Verdict
}
