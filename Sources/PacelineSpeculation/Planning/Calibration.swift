/// Turns the probabilities that one worker reports into reliable ones, by how often its tokens were accepted.
///
/// For each depth and reported confidence it keeps the share of tokens that the target took, given that it reached
/// their parent. With little evidence the estimate relies on the report, scaled by how reliable this worker's reports
/// have been overall. A worker that lies is thus detected within a few rounds, whatever confidence it reports. Old
/// evidence fades, so the estimate follows a worker that becomes better or worse.
///
/// Learning is free: the target's token at a visited node shows for *every* known child whether it was right, verified
/// or not. A worker whose nodes are no longer verified can still prove itself below the base, visited in every round.
package struct Calibration: Sendable, Hashable {
    private struct Evidence: Sendable, Hashable {
        var trials = 0.0
        var successes = 0.0

        mutating func record(_ outcome: Double, memory: Double) {
            trials += 1 - trials / memory
            successes += outcome - successes / memory
        }
    }

    /// Lower bounds of the confidence buckets, exclusive; reports below all of them share the last bucket.
    private static let confidenceEdges = [0.97, 0.92, 0.85, 0.75, 0.6, 0.45, 0.3, 0.2, 0.1, 0.05, 0.02]
    /// Upper bounds of the depth groups, inclusive; greater depths share the last group.
    private static let depthEdges = [1, 2, 4, 8]
    /// About how many trials a bucket remembers.
    private static let memory = 128.0
    /// How many trials the prior is worth.
    private static let priorWeight = 6.0
    /// The highest probability that an estimate can reach, with or without evidence.
    private static let ceiling = 0.995

    private var buckets: [Evidence]
    /// `successes`: tokens taken. `trials`: the sum of the reported probabilities, that is, the tokens promised.
    private var reported = Evidence()

    package init() {
        let count = (Self.confidenceEdges.count + 1) * (Self.depthEdges.count + 1)
        buckets = Array(repeating: Evidence(), count: count)
    }

    /// The probability that the target takes a node's token, given that it reaches the node's parent.
    ///
    /// - Parameters:
    ///   - logProbability: as the worker reports it.
    ///   - depth: the node's depth below the base; at least 1.
    package func probability(logProbability: Float, depth: Int) -> Double {
        let confidence = Self.confidence(logProbability)
        let prior = Swift.min(confidence * honesty, Self.ceiling)
        let evidence = buckets[Self.bucket(confidence, depth: depth)]
        let mean = (evidence.successes + prior * Self.priorWeight) / (evidence.trials + Self.priorWeight)
        return Swift.min(mean, Self.ceiling)
    }

    /// Learns whether the target took a node's token when it reached the node's parent.
    package mutating func record(logProbability: Float, depth: Int, isAccepted: Bool) {
        let confidence = Self.confidence(logProbability)
        let outcome = isAccepted ? 1.0 : 0.0
        buckets[Self.bucket(confidence, depth: depth)].record(outcome, memory: Self.memory)
        reported.trials += confidence - reported.trials / Self.memory
        reported.successes += outcome - reported.successes / Self.memory
    }

    /// Learns from a verdict on a tree, even if only some of its nodes were verified.
    ///
    /// - Parameters:
    ///   - verdict: the emitted tokens; its path is not used.
    ///   - tree: everything that this worker had proposed below the base, with its own log-probabilities.
    package mutating func learn(from verdict: Verdict, on tree: TokenTree) {
        var visited: NodeIndex?
        for token in verdict.tokens {
            var next: NodeIndex?
            for child in tree.children(of: visited) {
                let node = tree[child]
                let isAccepted = node.token == token
                record(logProbability: node.logProbability, depth: tree.depth(of: child), isAccepted: isAccepted)
                if isAccepted { next = child }
            }
            guard let next else { return }
            visited = next
        }
    }

    /// The overall ratio of accepted to promised tokens: 1 without evidence, 0 for a liar, above 1 for a worker that
    /// reports too low probabilities.
    package var honesty: Double {
        let prior = 2.0
        return Swift.min((reported.successes + prior) / (reported.trials + prior), 4)
    }

    private static func confidence(_ logProbability: Float) -> Double {
        guard logProbability <= 0 else { return 0 }
        return Double.exponential(Double(logProbability))
    }

    private static func bucket(_ confidence: Double, depth: Int) -> Int {
        let row = confidenceEdges.firstIndex { confidence > $0 } ?? confidenceEdges.count
        let column = depthEdges.firstIndex { depth <= $0 } ?? depthEdges.count
        return row * (depthEdges.count + 1) + column
    }
}
