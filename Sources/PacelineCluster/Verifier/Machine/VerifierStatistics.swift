import PacelineSpeculation

/// Counters of a verifier's life.
struct VerifierStatistics: Sendable {
    /// Workers that are still listed after they left.
    private static let departedLimit = 64

    private(set) var speculation = AcceptanceStatistics()
    /// Rounds that verified nothing.
    private(set) var plainRounds = 0
    private(set) var trees = VerifierSnapshot.Trees()
    private(set) var passes = 0
    /// Prompt tokens that passes computed, and those that were in the cache already.
    private(set) var prefilledTokens = 0
    private(set) var reusedTokens = 0
    private(set) var departed: [VerifierSnapshot.Worker] = []

    mutating func countPass() {
        passes += 1
    }

    mutating func countPrefill(computed: Int, reused: Int) {
        prefilledTokens += computed
        reusedTokens += reused
    }

    /// - Parameter drafted: nodes that the verdict is about.
    mutating func count(_ verdict: Verdict, drafted: Int) {
        speculation.record(drafted: drafted, accepted: verdict.path.count)
        if drafted == 0 { plainRounds += 1 }
    }

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
