/// How successful drafting was, counted as in vLLM. Can be summed over sequences, workers and time.
package struct AcceptanceStatistics: Sendable, Hashable {
    /// The number of verdicts on trees with at least one node; rounds without a tree do not count.
    package private(set) var drafts = 0
    /// The number of nodes that were verified.
    package private(set) var draftedTokens = 0
    /// The number of nodes that were accepted, not counting corrections.
    package private(set) var acceptedTokens = 0
    /// How many drafts had a node at depth `index + 1` accepted; never rises from entry to entry.
    package private(set) var acceptedPerPosition: [Int] = []

    package init() {}

    /// Counts one verdict.
    ///
    /// - Parameters:
    ///   - drafted: the number of nodes that were verified.
    ///   - accepted: how many of them were accepted.
    package mutating func record(drafted: Int, accepted: Int) {
        guard drafted > 0 else { return }
        drafts += 1
        draftedTokens += drafted
        acceptedTokens += accepted
        grow(positions: accepted)
        for position in 0..<accepted {
            acceptedPerPosition[position] += 1
        }
    }

    /// Tokens emitted per draft, including the correction: `1 + accepted / drafts`; `nil` before the first draft.
    package var meanAcceptanceLength: Double? {
        drafts > 0 ? 1 + Double(acceptedTokens) / Double(drafts) : nil
    }

    /// The share of drafted tokens that were accepted; `nil` before the first draft.
    package var acceptanceRate: Double? {
        draftedTokens > 0 ? Double(acceptedTokens) / Double(draftedTokens) : nil
    }

    package static func += (lhs: inout AcceptanceStatistics, rhs: AcceptanceStatistics) {
        lhs.drafts += rhs.drafts
        lhs.draftedTokens += rhs.draftedTokens
        lhs.acceptedTokens += rhs.acceptedTokens
        lhs.grow(positions: rhs.acceptedPerPosition.count)
        for (position, count) in rhs.acceptedPerPosition.enumerated() {
            lhs.acceptedPerPosition[position] += count
        }
    }

    private mutating func grow(positions: Int) {
        if positions > acceptedPerPosition.count {
            acceptedPerPosition += repeatElement(0, count: positions - acceptedPerPosition.count)
        }
    }
}
