/// Turns what one worker reports about its nodes into probabilities that can be planned with, by what was accepted.
///
/// For every depth and reported confidence it keeps the share of tokens that the target took, given that it came to
/// their parent. With little evidence the estimate leans on the report, scaled by how far this worker's reports have
/// been right on the whole; so a worker that lies is found out within a few rounds, whichever confidence it reports.
/// Old evidence fades, so a worker that turns good or bad is followed.
///
/// Learning is free: whatever the target's token is at a node that was visited, it says of *every* known child of that
/// node whether it was right, verified or not. A worker whose nodes are no longer verified can thus still prove itself
/// below the base, which is visited in each round.
package struct Calibration: Sendable, Hashable {
    private struct Evidence: Sendable, Hashable {
        var trials = 0.0
        var successes = 0.0

        mutating func record(_ outcome: Double, memory: Double) {
            trials += 1 - trials / memory
            successes += outcome - successes / memory
        }
    }

    /// Reports above each of these share a bucket with those up to the one before.
    private static let confidenceEdges = [0.97, 0.92, 0.85, 0.75, 0.6, 0.45, 0.3, 0.2, 0.1, 0.05, 0.02]
    /// Depths up to and including each of these share a group.
    private static let depthEdges = [1, 2, 4, 8]
    /// How many trials a bucket remembers, about.
    private static let memory = 128.0
    /// How many trials the prior is worth.
    private static let priorWeight = 6.0
    /// No report is believed beyond this without evidence, nor is evidence.
    private static let ceiling = 0.995

    private var buckets: [Evidence]
    /// `successes`: tokens taken. `trials`: reported probabilities, summed: what should have been taken.
    private var reported = Evidence()

    package init() {
        let count = (Self.confidenceEdges.count + 1) * (Self.depthEdges.count + 1)
        buckets = Array(repeating: Evidence(), count: count)
    }

    /// The probability that the target takes a node's token, given that it comes to its parent.
    ///
    /// - Parameters:
    ///   - logProbability: as the worker reports it.
    ///   - depth: of the node below the base; at least 1.
    package func probability(logProbability: Float, depth: Int) -> Double {
        let confidence = Self.confidence(logProbability)
        let prior = Swift.min(confidence * honesty, Self.ceiling)
        let evidence = buckets[Self.bucket(confidence, depth: depth)]
        let mean = (evidence.successes + prior * Self.priorWeight) / (evidence.trials + Self.priorWeight)
        return Swift.min(mean, Self.ceiling)
    }

    /// Learns whether the target took a node's token when it came to its parent.
    package mutating func record(logProbability: Float, depth: Int, isAccepted: Bool) {
        let confidence = Self.confidence(logProbability)
        let outcome = isAccepted ? 1.0 : 0.0
        buckets[Self.bucket(confidence, depth: depth)].record(outcome, memory: Self.memory)
        reported.trials += confidence - reported.trials / Self.memory
        reported.successes += outcome - reported.successes / Self.memory
    }

    /// Learns from a verdict about a tree, of which only some nodes may have been verified.
    ///
    /// - Parameters:
    ///   - verdict: what was emitted; its path may be empty, and is not looked at.
    ///   - tree: all that this worker proposed below the base at that time, with its own log-probabilities.
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

    /// How much of what this worker promises is kept, on the whole: 1 until there is evidence, 0 for a liar, above 1
    /// for one that is too modest.
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
