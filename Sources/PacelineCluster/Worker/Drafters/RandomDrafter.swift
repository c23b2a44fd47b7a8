package import PacelineSpeculation

/// A drafter for fault injection, named `random` or `liar`: valid trees of arbitrary tokens, and a lie about the
/// probability of each of them.
///
/// It stands for a worker that is broken or hostile without breaking the protocol. Output must not change under it, and
/// speed hardly. Tokens lie below the largest token of the base, so that they are in any vocabulary.
package struct RandomDrafter: Drafter {
    private var random: SplitMix
    private let largestSurprisal: Float
    private var highest: Token = 0

    /// - Parameter largestSurprisal: of what is claimed of a node, in nat; 0 claims that each is certain.
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
