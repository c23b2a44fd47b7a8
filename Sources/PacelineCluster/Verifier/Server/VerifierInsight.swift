/// What those who look at a running verifier may read, from any thread, without waiting for its event loop.
package struct VerifierInsight: Sendable {
    package let target: TargetDescription
    package let board: SnapshotBoard
    package let traces: RequestTraces
    package let feed: RoundFeed
}

extension VerifierServer {
    package var insight: VerifierInsight? {
        VerifierInsight(target: target, board: board, traces: traces, feed: feed)
    }
}
