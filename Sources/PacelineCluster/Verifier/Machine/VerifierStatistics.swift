import PacelineSpeculation

/// Counters of a verifier's life.
struct VerifierStatistics: Sendable {
    /// Workers that left which are still listed.
    private static let departedLimit = 64

    var speculation = AcceptanceStatistics()
    /// Rounds that verified nothing.
    var plainRounds = 0
    var trees = VerifierSnapshot.Trees()
    var passes = 0
    /// Prompt tokens that passes computed, and those that were in the cache before.
    var prefilledTokens = 0
    var reusedTokens = 0
    private(set) var departed: [VerifierSnapshot.Worker] = []

    mutating func count(_ receipt: TreeBoard.Receipt) {
        switch receipt {
        case .current: trees.current += 1
        case .rerooted: trees.rerooted += 1
        case .stale: trees.stale += 1
        case .overCredit: trees.overCredit += 1
        case .invalid: trees.invalid += 1
        }
    }

    mutating func depart(_ worker: VerifierSnapshot.Worker) {
        if departed.count == Self.departedLimit { departed.removeFirst() }
        departed.append(worker)
    }
}
