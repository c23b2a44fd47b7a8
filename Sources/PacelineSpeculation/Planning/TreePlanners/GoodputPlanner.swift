/// SmartSpec's and TurboSpec's choice of a draft length: the chain that promises the most tokens in a second, given how
/// often drafts are accepted and what a pass costs at the present load; none at all if none pays (Liu et al., arXiv
/// 2406.14066).
///
/// Needs a measured acceptance rate and cost curve. Use it to see what a length for all sequences loses against
/// ``Planner``, the production form of the idea: that chooses node by node, across all sequences of a pass.
package struct GoodputPlanner: TreePlanner {
    /// The chosen length.
    package let length: Int

    /// - Parameters:
    ///   - limit: the greatest length to consider.
    ///   - measured: the first of its acceptance rates counts, at every depth.
    package init(limit: Int = 16, measured: PlannerMeasurements) {
        let rate = max(0, min(1, measured.acceptance.first ?? 0))
        var best = (length: 0, rate: measured.rate(tokens: 1, steps: 0, nodes: 0))
        var (tokens, path) = (1.0, 1.0)
        for length in 0..<max(0, limit) {
            path *= rate
            tokens += path
            let goodput = measured.rate(tokens: tokens, steps: length + 1, nodes: length + 1)
            if goodput > best.rate { best = (length + 1, goodput) }
        }
        length = best.length
    }

    package func step(in tree: GrowingTree) -> [Expansion] {
        ChainPlanner(length: length).step(in: tree)
    }

    package func selection(in tree: GrowingTree) -> [NodeIndex] {
        ChainPlanner(length: length).selection(in: tree)
    }
}
