package import PacelineSpeculation

/// A drafter for fault injection, named `random` or `liar`: it drafts valid trees of arbitrary tokens and lies about
/// the probability of each.
///
/// It stands for a worker that is broken or hostile but keeps the protocol. It must not change the output, nor
/// the speed by much. No token exceeds the largest of the base, so all are in any vocabulary.
package struct RandomDrafter: Drafter {
    private var random: SplitMix
    private let largestSurprisal: Float
    private var highest: Token = 0

    /// - Parameter largestSurprisal: the largest surprisal that it claims, in nats; 0 claims that every node is
    ///   certain.
    package init(seed: UInt64, largestSurprisal: Float = 0.1) {
        random = SplitMix(seed: seed)
        self.largestSurprisal = largestSurprisal
    }

    package var isModelFree: Bool { false }

    package mutating func begin(base: [Token], sampling: SamplingParameters) {
        highest = base.max() ?? 0
    }

    package mutating func expand(_ tree: TokenTree, at nodes: [NodeIndex?], width: Int) -> [[Candidate]] {
        nodes.map { _ in
            var tokens: [Token] = []
            for _ in 0..<width {
                let token = Token(random.next(below: Int(highest) + 1))
                if !tokens.contains(token) { tokens.append(token) }
            }
            return tokens.map { Candidate(token: $0, logProbability: Float(random.nextUnit()) * -largestSurprisal) }
        }
    }

    package mutating func advance(_ rerooting: Rerooting) {
        highest = max(highest, rerooting.committed.max() ?? 0)
    }
}
