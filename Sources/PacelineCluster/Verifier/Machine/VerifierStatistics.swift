import PacelineSpeculation

/// Counters of a verifier's life.
struct VerifierStatistics: Sendable {
    /// Workers that are still listed after they left.
    private static let departedLimit = 64
    /// Drafters that are told apart; names come from workers, so there might be any number.
    private static let drafterLimit = 64
    /// Stands for all further drafters.
    private static let otherDrafters = "other"

    private(set) var speculation = AcceptanceStatistics()
    /// Rounds that verified nothing.
    private(set) var plainRounds = 0
    private(set) var trees = VerifierSnapshot.Trees()
    private(set) var passes = 0
    /// Workers that were dismissed.
    private(set) var dismissals = 0
    /// Prompt tokens that passes computed, and those that were in the cache already.
    private(set) var prefilledTokens = 0
    private(set) var reusedTokens = 0
    private(set) var departed: [VerifierSnapshot.Worker] = []
    /// What all workers that left had done, by drafter.
    private var drafters = SortedTable<String, VerifierSnapshot.Drafter>()

    mutating func countPass() {
        passes += 1
    }

    mutating func countDismissal() {
        dismissals += 1
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
        case .flooded: trees.flooded += 1
        }
    }

    mutating func depart(_ worker: VerifierSnapshot.Worker) {
        if departed.count == Self.departedLimit { departed.removeFirst() }
        departed.append(worker)
        Self.add(worker, to: &drafters)
    }

    /// What all workers did, by drafter.
    ///
    /// - Parameter connected: those that have not left.
    func drafters(with connected: [VerifierSnapshot.Worker]) -> [VerifierSnapshot.Drafter] {
        var drafters = drafters
        for worker in connected { Self.add(worker, to: &drafters) }
        return drafters.values
    }

    private static func add(
        _ worker: VerifierSnapshot.Worker,
        to drafters: inout SortedTable<String, VerifierSnapshot.Drafter>
    ) {
        let isNew = !drafters.contains(worker.drafter)
        let name = isNew && drafters.count >= drafterLimit ? otherDrafters : worker.drafter
        var drafter = drafters[name] ?? VerifierSnapshot.Drafter(name: name)
        if worker.isConnected { drafter.workers += 1 }
        if worker.rest != nil { drafter.resting += 1 }
        drafter.draftTokens += worker.draftTokens
        drafter.acceptedTokens += worker.acceptedTokens
        drafters[name] = drafter
    }
}
