/// SpecDec++'s stop without its trained head: a chain ends when the probability that one of its tokens is rejected
/// exceeds a threshold (Huang et al., arXiv 2405.19715).
///
/// The paper predicts acceptance with a head on the drafter's hidden state; here the calibrated probability of each
/// token stands in for it, so nothing is trained. Use it where a drafter's step is dear and its confidence varies.
package struct ConfidenceStopPlanner: TreePlanner {
    package var lengths: ClosedRange<Int>
    /// The greatest probability that some token of the chain is rejected.
    package var risk: Double

    package init(lengths: ClosedRange<Int> = 2...20, risk: Double = 0.3) {
        (self.lengths, self.risk) = (lengths, risk)
    }

    package func step(in tree: GrowingTree) -> [Expansion] {
        let chain = chain(in: tree)
        return isFinished(chain, in: tree) ? [] : tree.prolonging(chain, to: lengths.upperBound)
    }

    package func selection(in tree: GrowingTree) -> [NodeIndex] {
        Array(chain(in: tree).prefix(max(0, tree.nodes)))
    }

    /// The preferred line up to the token that makes the risk too great.
    private func chain(in tree: GrowingTree) -> [NodeIndex] {
        var chain: [NodeIndex] = []
        for node in tree.line.prefix(lengths.upperBound) {
            if isFinished(chain, in: tree) { break }
            chain.append(node)
        }
        return chain
    }

    private func isFinished(_ chain: [NodeIndex], in tree: GrowingTree) -> Bool {
        chain.count >= lengths.lowerBound && 1 - tree.value(of: chain.last) > risk
    }
}
