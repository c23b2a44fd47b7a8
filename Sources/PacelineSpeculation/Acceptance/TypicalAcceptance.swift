/// Typical acceptance as in Medusa (arXiv 2401.10774): **lossy**. The output does not follow the target's distribution,
/// and depends on the draft.
///
/// A drafted token is accepted if its target probability exceeds min(epsilon, delta · exp(-entropy)): where the target
/// is undecided, any reasonable token will do. The longest accepted path wins, or the more probable of equally long
/// ones.
package struct TypicalAcceptance: AcceptanceRule {
    /// The target's answer at a node.
    package struct Answer: Sendable, Hashable {
        /// The target's own next token.
        package var choice: Token
        /// The entropy of the target's distribution, in nats.
        package var entropy: Double
        /// The probabilities of the node's children, in their order in the tree.
        package var childProbabilities: [Double]

        package init(choice: Token, entropy: Double, childProbabilities: [Double]) {
            self.choice = choice
            self.entropy = entropy
            self.childProbabilities = childProbabilities
        }
    }

    private struct Path {
        var nodes: [NodeIndex] = []
        var logProbability = 0.0
        var choice: Token
    }

    package var epsilon: Double
    package var delta: Double

    package init(epsilon: Double = 0.3, delta: Double = 0.09) {
        self.epsilon = epsilon
        self.delta = delta
    }

    package var isLossless: Bool { false }

    package func verdict<Failure: Error>(
        on tree: TokenTree,
        target: (NodeIndex?) throws(Failure) -> Answer
    ) throws(Failure) -> Verdict {
        let answer = try target(nil)
        var best = Path(choice: answer.choice)
        var open = accepted(below: best, answer: answer, on: tree)
        while var path = open.popLast() {
            let answer = try target(path.nodes.last)
            path.choice = answer.choice
            let isLonger = path.nodes.count > best.nodes.count
            let isAsLong = path.nodes.count == best.nodes.count
            if isLonger || (isAsLong && path.logProbability > best.logProbability) { best = path }
            open += accepted(below: path, answer: answer, on: tree)
        }
        return Verdict(path: best.nodes, accepted: best.nodes.map { tree[$0].token }, correction: best.choice)
    }

    /// The path extended by each accepted child. The first child comes last, so that it is popped first and wins ties.
    private func accepted(below path: Path, answer: Answer, on tree: TokenTree) -> [Path] {
        let threshold = min(epsilon, delta * Double.exponential(-answer.entropy))
        var prolonged: [Path] = []
        for (child, probability) in zip(tree.children(of: path.nodes.last), answer.childProbabilities)
        where probability > threshold {
            prolonged.append(
                Path(
                    nodes: path.nodes + [child],
                    logProbability: path.logProbability + Double.logarithm(probability),
                    choice: answer.choice
                )
            )
        }
        return prolonged.reversed()
    }
}
