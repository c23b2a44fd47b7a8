import PacelineSpeculation

/// A target for tests that emits a given text of new and of repeated passages, as real texts do.
struct PartlyRepeatedText {
    let tokens: [Token]

    /// - Parameter repeated: how many of 100 passages are copies of an earlier place.
    init(seed: UInt64, length: Int, repeated: Int) {
        var random = SplitMix(seed: seed)
        var tokens: [Token] = []
        while tokens.count < length {
            let passage = 4 + random.next(below: 28)
            if tokens.count > 64, random.next(below: 100) < repeated {
                let start = random.next(below: tokens.count - passage)
                tokens += tokens[start..<(start + passage)]
            } else {
                tokens += (0..<passage).map { _ in Token(random.next(below: 400)) }
            }
        }
        self.tokens = tokens
    }
}

/// A drafter for tests that knows such a text, but is right only at some places, and more or less honest.
struct PartlyRightDrafter: Drafter {
    let text: PartlyRepeatedText
    /// How many of 100 places it gets right where it is sure, and where it is not.
    var sure = 95
    var unsure = 40
    /// The confidence that it reports there, out of 100.
    var claims = (sure: 95, unsure: 40)
    /// Drafters with other salts are right at other places.
    var salt: UInt64 = 0
    var isModelFree = false
    private var length = 0

    init(_ text: PartlyRepeatedText) {
        self.text = text
    }

    mutating func begin(base: [Token], sampling: SamplingParameters) {
        length = base.count
    }

    func expand(_ tree: TokenTree, at nodes: [NodeIndex?], width: Int) -> [[Candidate]] {
        nodes.map { node in
            let place = length + tree.depth(of: node)
            // Off the text it is as sure of itself as on it, but never right.
            let isOnText = tree.tokens(onPathTo: node).elementsEqual(text.tokens[length..<place])
            return candidates(at: place, isOnText: isOnText, width: width)
        }
    }

    mutating func advance(_ rerooting: Rerooting) {
        length += rerooting.committed.count
    }

    private func candidates(at place: Int, isOnText: Bool, width: Int) -> [Candidate] {
        var random = SplitMix(seed: salt &* 1_000_003 &+ UInt64(place))
        let isSure = random.next(below: 100) < 60
        let isRight = random.next(below: 100) < (isSure ? sure : unsure)
        let others = (0..<width).map { _ in Token(400 + random.next(below: 1000)) }
        let right = text.tokens[place]
        // Where it is wrong, the right token is often its second choice.
        let order = isRight && isOnText ? [right] + others : [others[0], right] + others.dropFirst()
        let share = Float(isSure ? claims.sure : claims.unsure) / 100
        var left: Float = 1
        var candidates: [Candidate] = []
        for token in order.prefix(width) where !candidates.contains(where: { $0.token == token }) {
            candidates.append(Candidate(token: token, logProbability: Float(Double.logarithm(Double(left * share)))))
            left *= 1 - share
        }
        return candidates
    }
}
