/// What rounds of a method add up to; a value that can be summed over prompts.
package struct MethodFigures: Sendable, Hashable, Codable {
    /// Generated tokens.
    package private(set) var tokens = 0
    /// Passes of the target that generated them: every round, with a tree or without.
    package private(set) var passes = 0
    /// Rounds with a tree.
    package private(set) var drafts = 0
    /// Nodes that were verified.
    package private(set) var drafted = 0
    /// Nodes that were accepted.
    package private(set) var accepted = 0
    /// Nodes that the drafters expected to be accepted.
    package private(set) var expected = 0.0
    /// Rounds whose correction had been drafted, but not verified.
    package private(set) var missed = 0
    /// By depth, less 1: how often the target came to a node that had children there, and how often it took one.
    package private(set) var reached: [Int] = []
    package private(set) var taken: [Int] = []

    package init() {}

    /// Counts a round.
    package mutating func record(_ round: MethodRound) {
        tokens += round.tokens.count
        passes += 1
        expected += round.expected
        if round.isMissed { missed += 1 }
        guard !round.tree.isEmpty else { return }
        drafts += 1
        drafted += round.tree.count
        accepted += round.path.count
        // The depths at which the target has decided; at the end of a text it does not decide about a correction.
        for depth in 0..<round.tokens.count {
            let node = depth == 0 ? nil : round.path[depth - 1]
            guard round.tree.children(of: node).contains(where: { _ in true }) else { break }
            grow(to: depth + 1)
            reached[depth] += 1
            guard depth < round.path.count else { break }
            taken[depth] += 1
        }
    }

    /// Tokens a pass; nil before the first.
    package var tokensPerPass: Double? { passes > 0 ? Double(tokens) / Double(passes) : nil }

    /// vLLM's: 1 + accepted / drafts, over rounds with a tree alone; nil before the first.
    package var meanAcceptanceLength: Double? { drafts > 0 ? 1 + Double(accepted) / Double(drafts) : nil }

    /// Verified nodes that were not accepted.
    package var wasted: Int { drafted - accepted }

    /// How often the target took a child at a depth, of the times it came to a node with children there; nil if never.
    ///
    /// - Parameter depth: 1 for the children of the base.
    package func acceptance(atDepth depth: Int) -> Double? {
        guard reached.indices.contains(depth - 1), reached[depth - 1] > 0 else { return nil }
        return Double(taken[depth - 1]) / Double(reached[depth - 1])
    }

    package static func += (lhs: inout MethodFigures, rhs: MethodFigures) {
        lhs.tokens += rhs.tokens
        lhs.passes += rhs.passes
        lhs.drafts += rhs.drafts
        lhs.drafted += rhs.drafted
        lhs.accepted += rhs.accepted
        lhs.expected += rhs.expected
        lhs.missed += rhs.missed
        lhs.grow(to: rhs.reached.count)
        for depth in rhs.reached.indices {
            lhs.reached[depth] += rhs.reached[depth]
            lhs.taken[depth] += rhs.taken[depth]
        }
    }

    private mutating func grow(to depths: Int) {
        let more = repeatElement(0, count: Swift.max(0, depths - reached.count))
        reached += more
        taken += more
    }
}
