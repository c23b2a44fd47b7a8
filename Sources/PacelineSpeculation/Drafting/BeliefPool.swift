/// What several drafters of one tree believe, as one probability for each token: a linear opinion pool (Stone 1961,
/// doi.org/10.1214/aoms/1177704873).
///
/// At a node, each drafter that proposed something counts with a weight. The weights follow the logarithmic scores that
/// the drafters lately got where several of them had proposed something, separately for each level of confidence: a
/// look-up that is sure of itself may deserve trust where one that guesses does not. So where a better drafter has
/// looked, a worse one neither takes room nor lowers what is believed of the better one's tokens.
struct BeliefPool: Sendable {
    private struct Opinion: Sendable {
        var parent: NodeIndex?
        var member: Int
        /// Distinct tokens with calibrated probabilities; not empty.
        var candidates: [Candidate]

        /// The probability of a token. What the candidates leave is spread thinly over the rest of the vocabulary.
        func probability(of token: Token) -> Double {
            let known = candidates.first { $0.token == token }
            if let known { return Double.exponential(Double(known.logProbability)) }
            let total = candidates.reduce(0) { $0 + Double.exponential(Double($1.logProbability)) }
            return BeliefPool.unknownShare * Swift.min(1, Swift.max(BeliefPool.leastRest, 1 - total))
        }

        /// Of its first choice: 0 where it is surest.
        var level: Int {
            let first = candidates.map { Double.exponential(Double($0.logProbability)) }.max() ?? 0
            return BeliefPool.levels.firstIndex { first > $0 } ?? BeliefPool.levels.count
        }
    }

    /// Lower bounds of the levels of confidence, exclusive; the last level has none.
    private static let levels = [0.9, 0.7, 0.4, 0.15]
    /// The share of a drafter's remaining probability that one unnamed token has.
    private static let unknownShare = 0.02
    private static let leastRest = 0.02
    /// The first score of a drafter without a model.
    private static let doubt = 2.0
    /// About how many scores a weight remembers.
    private static let memory = 24.0

    private var opinions: [Opinion] = []
    /// By drafter and level: the sum of its logarithmic scores, less those of the pool, where older ones fade.
    private(set) var scores: [[Double]]

    /// - Parameter isModelFree: of each drafter. Those without a model start with less trust.
    init(isModelFree: [Bool]) {
        scores = isModelFree.map { isModelFree in
            Array(repeating: isModelFree ? -Self.doubt : 0, count: Self.levels.count + 1)
        }
    }

    /// A drafter has proposed tokens to follow a node, with calibrated probabilities.
    mutating func hear(_ candidates: [Candidate], at node: NodeIndex?, from member: Int) {
        guard !candidates.isEmpty else { return }
        opinions.append(Opinion(parent: node, member: member, candidates: candidates))
    }

    /// The tokens that anyone proposed to follow a node, each with the pool's probability; the most probable first.
    func candidates(at node: NodeIndex?) -> [Candidate] {
        let speakers = opinions.filter { $0.parent == node }
        guard speakers.count > 1 else { return speakers.first?.candidates ?? [] }
        let weights = weights(of: speakers)
        var pooled: [(token: Token, probability: Double)] = []
        for (speaker, weight) in zip(speakers, weights) {
            for candidate in speaker.candidates {
                let share = weight * Double.exponential(Double(candidate.logProbability))
                if let known = pooled.firstIndex(where: { $0.token == candidate.token }) {
                    pooled[known].probability += share
                } else {
                    pooled.append((candidate.token, share))
                }
            }
        }
        pooled.sort { $0.probability > $1.probability }
        return pooled.map { token, probability in
            // A probability of 0 would not have a finite logarithm.
            Candidate(token: token, logProbability: Float(Double.logarithm(Swift.min(1, Swift.max(probability, 1e-9)))))
        }
    }

    /// Follows the tree to its new base, and learns who was right.
    mutating func advance(_ rerooting: Rerooting) {
        for (depth, token) in rerooting.committed.enumerated() where depth <= rerooting.path.count {
            let visited = depth == 0 ? nil : rerooting.path[depth - 1]
            learn(token, from: opinions.filter { $0.parent == visited })
        }
        opinions = opinions.compactMap { opinion in
            guard rerooting.survives(opinion.parent) else { return nil }
            var moved = opinion
            moved.parent = rerooting.moved(opinion.parent)
            return moved
        }
    }

    /// Takes over what was learned about the same drafters elsewhere.
    mutating func trust(_ scores: [[Double]]) {
        guard scores.count == self.scores.count else { return }
        self.scores = scores
    }

    private mutating func learn(_ token: Token, from speakers: [Opinion]) {
        guard speakers.count > 1 else { return }
        let probabilities = speakers.map { $0.probability(of: token) }
        let pool = zip(weights(of: speakers), probabilities).reduce(0) { $0 + $1.0 * $1.1 }
        for (speaker, probability) in zip(speakers, probabilities) {
            let gain = Double.logarithm(probability) - Double.logarithm(pool)
            let old = scores[speaker.member][speaker.level]
            scores[speaker.member][speaker.level] = old * (1 - 1 / Self.memory) + gain
        }
    }

    /// Of several drafters, adding up to 1.
    private func weights(of speakers: [Opinion]) -> [Double] {
        let scores = speakers.map { self.scores[$0.member][$0.level] }
        let best = scores.max() ?? 0
        let weights = scores.map { Double.exponential($0 - best) }
        let total = weights.reduce(0, +)
        return weights.map { $0 / total }
    }
}

extension Rerooting {
    /// Whether what hangs below a node of the old tree, or below the old base, lies in the new tree.
    func survives(_ node: NodeIndex?) -> Bool {
        guard path.count == committed.count else { return false }
        return node == path.last || node.map { position(of: $0) != nil } ?? false
    }

    /// The new index of a node that survives; `nil` for one that is the new base.
    func moved(_ node: NodeIndex?) -> NodeIndex? {
        node.flatMap { position(of: $0) }
    }

    private func position(of node: NodeIndex) -> NodeIndex? {
        let place = kept.partitioningIndex { $0 >= node }
        return place < kept.count && kept[place] == node ? place : nil
    }
}

extension Array<NodeIndex> {
    /// The first place of an ascending array from which `isBehind` holds.
    fileprivate func partitioningIndex(where isBehind: (NodeIndex) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isBehind(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
