package import PacelineSpeculation

/// A drafter for fault injection, named `random` or `liar`: it drafts valid trees of arbitrary tokens and lies about
/// the probability of each.
///
/// It stands for a worker that is broken or hostile but keeps the protocol. It must not change the output, nor
/// the speed by much. No token exceeds the largest of the base, so all are in any vocabulary.
package struct RandomDrafter: Drafter {
    private static let largestSurprisal: Float = 0.1

    private var random: SplitMix
    private let isCertain: Bool
    private var highest: Token = 0

    /// - Parameter isCertain: whether it claims to know every token, as `liar` does: one child a node, with
    ///   probability 1. Those of several would add up to more than 1, which gives them away before they are verified.
    package init(seed: UInt64, isCertain: Bool = false) {
        random = SplitMix(seed: seed)
        self.isCertain = isCertain
    }

    package var isModelFree: Bool { false }

    package mutating func begin(base: [Token], sampling: SamplingParameters) {
        highest = base.max() ?? 0
    }

    package mutating func expand(_ tree: TokenTree, at nodes: [NodeIndex?], width: Int) -> [[Candidate]] {
        nodes.map { _ in
            var tokens: [Token] = []
            for _ in 0..<(isCertain ? min(width, 1) : width) {
                let token = Token(random.next(below: Int(highest) + 1))
                if !tokens.contains(token) { tokens.append(token) }
            }
            return tokens.map { Candidate(token: $0, logProbability: claim()) }
        }
    }

    private mutating func claim() -> Float {
        isCertain ? 0 : -Self.largestSurprisal * Float(random.nextUnit())
    }

    package mutating func advance(_ rerooting: Rerooting) {
        highest = max(highest, rerooting.committed.max() ?? 0)
    }
}
