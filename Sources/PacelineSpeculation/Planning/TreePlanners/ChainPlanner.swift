/// A chain of fixed length: the drafter's preferred token, again and again (Leviathan et al., arXiv 2211.17192; Chen
/// et al., arXiv 2302.01318).
///
/// Needs nothing. Use it where the drafter is mostly right, as in code, or as the baseline of every other planner.
package struct ChainPlanner: TreePlanner {
    package var length: Int

    package init(length: Int = 5) {
        self.length = length
    }

    package func step(in tree: GrowingTree) -> [Expansion] {
        tree.prolonging(tree.line, to: length)
    }

    package func selection(in tree: GrowingTree) -> [NodeIndex] {
        Array(tree.line.prefix(max(0, min(length, tree.nodes))))
    }
}
