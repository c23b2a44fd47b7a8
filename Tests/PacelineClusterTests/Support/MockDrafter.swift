import PacelineCluster
import PacelineSpeculation

/// A drafter that knows the mock target and agrees with it as often as it is told to.
///
/// Its first candidate is the target's token with probability `agreement`, if not then its second with the same
/// probability, and so on. Wrong candidates are tagged like tokens that belong there.
struct MockDrafter: Drafter {
    let agreement: Double
    /// What it reports in place of its agreement; the same, unless it lies.
    let claim: Double
    /// Steps until it throws.
    var stepsLeft: Int
    private var random: SplitMix
    private var base = TaggedText(after: [])
    private var seed: UInt64 = 0

    init(agreement: Double, claim: Double? = nil, seed: UInt64, stepsLeft: Int = .max) {
        self.agreement = agreement
        self.claim = claim ?? agreement
        self.stepsLeft = stepsLeft
        random = SplitMix(seed: seed)
    }

    var isModelFree: Bool { false }

    mutating func begin(base: [Token], sampling: SamplingParameters) {
        self.base = TaggedText(after: base)
        seed = sampling.seed
    }

    mutating func expand(_ tree: TokenTree, at nodes: [NodeIndex?], width: Int) throws -> [[Candidate]] {
        guard stepsLeft > 0 else { throw MockTarget.Misuse(description: "told to fail") }
        stepsLeft -= 1
        return nodes.map { candidates(at: base.appending(tree.tokens(onPathTo: $0)), width: width) }
    }

    mutating func advance(_ rerooting: Rerooting) {
        base.append(rerooting.committed)
    }

    private mutating func candidates(at place: TaggedText, width: Int) -> [Candidate] {
        let right = place.next(seed: seed)
        let wrong = (0..<TaggedText.choices).lazy.map(place.tagged).filter { $0 != right }
        var tokens = Array(wrong.prefix(width))
        var rank = 0
        while rank < tokens.count, random.nextUnit() >= agreement { rank += 1 }
        if rank < tokens.count { tokens[rank] = right }
        var left = 1.0
        return tokens.map { token in
            defer { left *= 1 - claim }
            return Candidate(token: token, logProbability: logarithm(left * claim))
        }
    }

    /// Natural logarithm by halving, precise enough for a confidence, and finite.
    private func logarithm(_ value: Double) -> Float {
        var (value, result) = (min(1, max(value, 1e-6)), 0.0)
        while value < 0.5 {
            value *= 2
            result -= 0.6931471805599453
        }
        let ratio = (value - 1) / (value + 1)
        return Float(min(0, result + 2 * (ratio + ratio * ratio * ratio / 3)))
    }
}

/// Hands out the same kind of drafter for every sequence.
final class MockSource: DrafterSource {
    private let make: () -> [any Drafter]

    init(_ make: @escaping () -> [any Drafter]) {
        self.make = make
    }

    func makeDrafters() -> [any Drafter] {
        make()
    }
}
