/// AdaEDL's stop: a chain ends where the entropy of the drafter's distribution no longer guarantees that its token is
/// likely to be accepted (Agrawal et al., arXiv 2410.18351).
///
/// The probability of acceptance is at least about 1 - sqrt(gamma · H); drafting stops when that falls below a
/// threshold. The entropy is that of the best `width` tokens and of all others as one. Needs a drafter that gives
/// probabilities, but no training. Use it as ``ConfidenceStopPlanner``, above all at temperature 1. The threshold is
/// fixed here; the paper also adapts it to the acceptance rate, which calibration does for the probabilities.
package struct EntropyStopPlanner: TreePlanner {
    package var length: Int
    /// The least bound at which drafting goes on.
    package var threshold: Double
    /// The factor of the entropy; 0.2 in the paper.
    package var gamma: Double
    /// How many proposals the entropy is estimated from.
    package var width: Int

    package init(length: Int = 16, threshold: Double = 0.4, gamma: Double = 0.2, width: Int = 8) {
        (self.length, self.threshold, self.gamma, self.width) = (length, threshold, gamma, width)
    }

    package func step(in tree: GrowingTree) -> [Expansion] {
        let chain = chain(in: tree)
        return tree.prolonging(chain, to: chain.count < tree.line.count ? 0 : length, width: width)
    }

    package func selection(in tree: GrowingTree) -> [NodeIndex] {
        Array(chain(in: tree).prefix(max(0, tree.nodes)))
    }

    /// The preferred line up to where the bound falls below the threshold.
    private func chain(in tree: GrowingTree) -> [NodeIndex] {
        var chain: [NodeIndex] = []
        for node in tree.line.prefix(length) {
            if bound(below: chain.last, in: tree) < threshold { break }
            chain.append(node)
        }
        return chain
    }

    /// The lower bound for the acceptance of a child.
    private func bound(below node: NodeIndex?, in tree: GrowingTree) -> Double {
        let shares = tree.pool.children(of: node).map { Double.exponential(Double(tree.pool[$0].logProbability)) }
        return Self.acceptanceBound(shares, gamma: gamma)
    }

    /// 1 - sqrt(gamma · H), at least 0, for the entropy of some probabilities and of what they leave.
    static func acceptanceBound(_ shares: [Double], gamma: Double) -> Double {
        let total = shares.reduce(0, +)
        // Calibrated probabilities may add up to more than 1.
        let scale = total > 1 ? 1 / total : 1
        let parts = shares.map { $0 * scale } + [max(0, 1 - total)]
        let entropy = parts.reduce(0) { $1 > 0 ? $0 - $1 * Double.logarithm($1) : $0 }
        return max(0, 1 - (gamma * max(0, entropy)).squareRoot())
    }
}
