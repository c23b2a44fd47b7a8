/// Lossless acceptance by comparing the target's law p with the drafter's q: the p/q family.
///
/// Its output is distributed as the target's, yet depends on the draft, unlike that of ``SampleMatch``; and it is exact
/// only for drafts as ``SampledTree`` describes them, from workers that state their laws honestly.
package protocol RejectionRule: Sendable {
    /// Decides about a tree.
    ///
    /// - Parameters:
    ///   - tree: the drafted tree.
    ///   - target: the target's law after the path to a node, or after the base for `nil`.
    ///   - chance: the randomness of the decision, independent of that of the draft.
    /// - Throws: only what `target` throws.
    func verdict<Failure: Error, Source: Chance>(
        on tree: SampledTree,
        target: (NodeIndex?) throws(Failure) -> TokenDistribution,
        chance: inout Source
    ) throws(Failure) -> Verdict
}
