import PacelineSpeculation

/// What a machine records about its rounds.
package struct Observation: Sendable, Equatable {
    /// Whether every round is recorded.
    package var recordsRounds = false
    /// Requests whose rounds are recorded with their trees.
    package var trees: Set<RequestID> = []

    package static let none = Observation()

    package init(recordsRounds: Bool = false, trees: Set<RequestID> = []) {
        (self.recordsRounds, self.trees) = (recordsRounds, trees)
    }
}

/// Makes the records of a machine's rounds, as far as somebody wants them. Decides nothing: no decision reads it.
struct RoundObserver: Sendable {
    /// How often the tree of one request is recorded at most. Nobody can look at more.
    private static let treeInterval = Duration.milliseconds(200)

    /// What a round brought.
    enum Result {
        case prefill(computed: Int, reused: Int)
        /// A verdict, and its tokens that count.
        case verify(Verdict, [Token])
    }

    /// A request that was seen since the observation began.
    private struct Followed: Sendable {
        var rounds = 0
        var lastTree: Instant?
        /// When each worker last sent something, since the last round.
        var arrivals = SortedTable<LinkID, Instant>()
    }

    /// The pass that is with the compute thread.
    private struct Pass: Sendable {
        let began: Instant
        /// What had been drafted for the sequences of the pass.
        var drafts = SortedTable<RequestID, MergedTree>()
        /// Trees of sequences by worker: how many nodes.
        var proposals = SortedTable<RequestID, [RoundRecord.Draft]>()
        /// Set when the pass ends.
        var plan: PassPlan?
        var cost: PassCost?
    }

    private(set) var observation = Observation.none
    private var followed = SortedTable<RequestID, Followed>()
    private var pass: Pass?

    /// Whether there is anything to do.
    var isActive: Bool { observation.recordsRounds }

    /// Records from now on what `observation` asks for; a pass under way is not recorded.
    mutating func observe(_ observation: Observation) {
        self.observation = observation
        guard !isActive else { return }
        followed = SortedTable()
        pass = nil
    }

    /// A worker added to its tree.
    mutating func arrived(for request: RequestID, from worker: LinkID, now: Instant) {
        guard isActive else { return }
        follow(request) { $0.arrivals[worker] = now }
    }

    /// A pass was handed to the compute thread.
    ///
    /// - Parameter demands: what its sequences brought.
    mutating func began(_ demands: [PassScheduler.Demand], drafter: (LinkID) -> String?, now: Instant) {
        guard isActive else { return }
        var pass = Pass(began: now)
        for demand in demands where demand.prefillLeft == 0 {
            let (drafts, arrivals) = (demand.drafts, followed[demand.request]?.arrivals)
            pass.proposals[demand.request] = zip(drafts.workers, drafts.nodesByWorker).map { worker, nodes in
                RoundRecord.Draft(
                    worker: worker,
                    drafter: worker == .prediction ? "prediction" : drafter(worker) ?? "",
                    nodes: nodes,
                    arrival: arrivals?[worker]
                )
            }
            if isDue(demand.request, now: now) { pass.drafts[demand.request] = drafts }
        }
        self.pass = pass
    }

    /// The pass is over.
    mutating func ended(
        _ plan: PassPlan,
        _ outcomes: [RoundOutcome],
        milliseconds: Double,
        samplingMilliseconds: Double?
    ) {
        guard isActive else { return }
        pass?.plan = plan
        pass?.cost = PassCost(
            rows: plan.rows(outcomes),
            sequences: plan.rounds.count,
            milliseconds: milliseconds,
            samplingMilliseconds: samplingMilliseconds
        )
    }

    /// The record of a round of the pass that is over; nil if none is wanted.
    ///
    /// - Parameter length: committed tokens after the round.
    mutating func record(_ result: Result, of request: RequestID, length: Int, now: Instant) -> RoundRecord? {
        guard isActive, let pass, let plan = pass.plan, let cost = pass.cost else { return nil }
        let work: RoundRecord.Work
        var (tree, gained): (RoundTree?, Int) = (nil, 0)
        switch result {
        case .prefill(let computed, let reused): work = .prefill(computed: computed, reused: reused)
        case .verify(let verdict, let tokens):
            let verified = plan.trees[request]
            let accepted = min(verdict.path.count, tokens.count)
            work = .verify(verified: verified?.tree.count ?? 0, accepted: accepted, tokens: tokens)
            gained = tokens.count
            if let verified, let drafts = pass.drafts[request] {
                tree = RoundTree(drafts, verified: verified, verdict)
            }
        }
        let hasTree = tree != nil
        let number = follow(request) { followed in
            followed.rounds += 1
            followed.arrivals = SortedTable()
            if hasTree { followed.lastTree = now }
            return followed.rounds
        }
        return RoundRecord(
            request: request,
            number: number,
            work: work,
            length: length - gained,
            ready: plan.ready,
            began: pass.began,
            ended: now,
            cost: cost,
            drafts: pass.proposals[request] ?? [],
            tree: tree
        )
    }

    /// A request runs no more.
    mutating func forget(_ request: RequestID) {
        followed[request] = nil
    }

    private func isDue(_ request: RequestID, now: Instant) -> Bool {
        guard observation.trees.contains(request) else { return false }
        guard let last = followed[request]?.lastTree else { return true }
        return now - last >= Self.treeInterval
    }

    @discardableResult
    private mutating func follow<Output>(_ request: RequestID, _ body: (inout Followed) -> Output) -> Output {
        var one = followed[request] ?? Followed()
        defer { followed[request] = one }
        return body(&one)
    }
}
