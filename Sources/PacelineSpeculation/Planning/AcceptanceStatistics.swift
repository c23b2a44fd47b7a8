/// How much drafting has achieved, counted as vLLM counts it. Adds up over sequences, workers and time.
package struct AcceptanceStatistics: Sendable, Hashable {
    /// Verdicts about trees that held at least one node; rounds without a draft are not drafts.
    package private(set) var drafts = 0
    /// Nodes that were verified.
    package private(set) var draftedTokens = 0
    /// Nodes that were accepted; corrections are not.
    package private(set) var acceptedTokens = 0
    /// How many drafts had their node at depth `index + 1` accepted; falls from entry to entry.
    package private(set) var acceptedPerPosition: [Int] = []

    package init() {}

    /// Counts one verdict.
    ///
    /// - Parameters:
    ///   - drafted: the number of nodes that were verified.
    ///   - accepted: the number of them that were accepted.
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

    /// Tokens emitted per draft, the correction included: `1 + accepted / drafts`; `nil` before the first draft.
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
