import PacelineCluster
import PacelineSpeculation

/// A drafter that knows the mock target and agrees with it at a given rate.
///
/// Like a model, it errs by prefix: asked twice, it errs twice.
struct MockDrafter: Drafter {
    private struct Exhausted: Error, CustomStringConvertible {
        let description = "the simulated drafter was told to fail here"
    }

    private let agreement: Double
    private let claim: Double
    private var stepsLeft: Int
    private var base: MockPrefix
    private var seed: UInt64 = 0

    /// - Parameters:
    ///   - agreement: how often the first candidate is the target's token.
    ///   - claim: the probability that it reports for that candidate.
    ///   - isTagged: whether the text is.
    ///   - stepsLeft: steps until it throws.
    init(agreement: Double, claim: Double, isTagged: Bool, stepsLeft: Int = .max) {
        self.agreement = agreement
        self.claim = claim
        self.stepsLeft = stepsLeft
        base = MockPrefix([], isTagged: isTagged)
    }

    var isModelFree: Bool { false }

    mutating func begin(base: [Token], sampling: SamplingParameters) {
        self.base = MockPrefix(base, isTagged: self.base.isTagged)
        seed = sampling.seed
    }

    mutating func expand(_ tree: TokenTree, at nodes: [NodeIndex?], width: Int) throws -> [[Candidate]] {
        guard stepsLeft > 0 else { throw Exhausted() }
        stepsLeft -= 1
        return nodes.map { candidates(after: base.appending(tree.tokens(onPathTo: $0)), width: width) }
    }

    mutating func advance(_ rerooting: Rerooting) {
        base = base.appending(rerooting.committed)
    }

    private func candidates(after prefix: MockPrefix, width: Int) -> [Candidate] {
        guard width > 0 else { return [] }
        let right = prefix.next(seed: seed)
        var choice = SplitMix(seed: prefix.hash.rawValue ^ seed)
        let isRight = choice.nextUnit() < agreement
        // A model whose first choice is wrong often has the right token as its second.
        let isSecondRight = agreement > 0 && choice.nextUnit() < 0.5
        var tokens: [Token] = isRight ? [right] : []
        while tokens.count < width {
            let isNext = tokens.count == 1 && !isRight && isSecondRight
            let letter = isNext ? 0 : UInt64(choice.next(below: Int(MockText.alphabet)))
            let token = isNext ? right : prefix.token(letter, seed: seed)
            if !tokens.contains(token), isNext || token != right { tokens.append(token) }
        }
        return tokens.enumerated().map { rank, token in
            Candidate(token: token, logProbability: logarithm(belief(rank)))
        }
    }

    private func belief(_ rank: Int) -> Double {
        var left = min(max(claim, 0.01), 0.99)
        for _ in 0..<rank {
            left = (1 - left) / 2
        }
        return max(left, 0.001)
    }

    /// Natural logarithm of a value in 0.001 … 1, without a C library so that it is the same everywhere.
    private func logarithm(_ value: Double) -> Float {
        var (value, result) = (value, 0.0)
        while value < 0.5 {
            value *= 2
            result -= 0.693147180559945
        }
        let ratio = (value - 1) / (value + 1)
        let square = ratio * ratio
        return Float(min(0, result + 2 * ratio * (1 + square / 3 + square * square / 5)))
    }
}
