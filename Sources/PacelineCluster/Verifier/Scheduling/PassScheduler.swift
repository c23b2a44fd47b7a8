import PacelineSpeculation

/// Decides when a pass starts, what it waits for and what it computes, and learns what passes cost.
///
/// A value without I/O or a clock. It knows sequences by their requests only, and is told what they would bring to a
/// pass whenever one can start.
struct PassScheduler: Sendable {
    /// What a running sequence would bring to a pass that starts now.
    struct Demand: Sendable {
        var request: RequestID
        /// Tokens of the base to compute before the next token can be decided.
        var prefillLeft = 0
        /// Levels of the tree that a verdict may accept.
        var depth: Int
        /// What its workers have drafted.
        var drafts: MergedTree
        /// Whether its workers will add nothing before the next verdict.
        var isExhausted = false
    }

    /// How much of a new plan's price of a node enters the running average.
    private static let marginWeight = 0.2
    /// The shares of the delay limit that are reserved for passes which take longer than expected.
    private static let reserve = 0.3...0.6

    private let configuration: VerifierConfiguration
    /// What passes cost.
    private(set) var costs: CostCurve
    /// What passes cost while nobody drafts.
    private var quietCosts: CostCurve
    /// How late passes with drafts can be.
    private var overrunEstimate = PassOverrunEstimate()
    private(set) var slowdownGuard = SlowdownGuard()
    /// Below this path probability a node has lately not been worth its place in a pass.
    private(set) var marginalProbability = 0.0
    /// When the next drafts of each sequence are due; no entry before the first drafts.
    private var arrivals = SortedTable<RequestID, DraftArrivalPredictor>()
    /// Sequences that the engine holds, running or not.
    private var held: Set<RequestID> = []
    /// The pass that is with the compute thread.
    private(set) var inFlight: PassPlan?
    /// Since when the next pass could have started.
    private var readySince: Instant?
    /// When a pass that waits for drafts is looked at again.
    private(set) var deadline: Instant?
    /// Sequences whose next drafts the pass waits for.
    private var awaited: Set<RequestID> = []
    /// Something happened since the next pass was last planned that may change it.
    private var isPlanOutdated = true

    /// - Parameter costs: what passes cost, as measured before.
    init(configuration: VerifierConfiguration, costs: CostCurve) {
        self.configuration = configuration
        self.costs = costs
        quietCosts = costs
    }

    // MARK: Starting passes

    /// Whether ``next(_:now:)`` would plan a pass if there is work. Computing demands is expensive, so ask this first.
    func isDue(now: Instant) -> Bool {
        guard inFlight == nil else { return false }
        return isPlanOutdated || deadline.map { now >= $0 } ?? true
    }

    /// Starts a pass if there is work, the compute thread is idle, and waiting for drafts does not pay.
    ///
    /// - Parameter demands: of all running sequences, in the order of admission.
    /// - Returns: the pass that is now in flight; nil if none starts.
    mutating func next(_ demands: [Demand], now: Instant) -> PassPlan? {
        guard inFlight == nil else { return nil }
        let ended = held.filter { request in !demands.contains { $0.request == request } }.sorted()
        let closings = PlantedBug.engineSequenceKept.isPlanted ? [] : ended
        guard !demands.isEmpty || !closings.isEmpty else {
            rest()
            return nil
        }
        guard isDue(now: now) else { return nil }
        isPlanOutdated = false
        let ready = readySince ?? now
        readySince = ready
        if let deadline, now >= deadline { noteMisses() }
        var plan = plan(demands, ready: ready, now: now)
        plan.closings = closings
        if closings.isEmpty, let deadline = deadlineToWaitFor(plan, demands, now: now) {
            self.deadline = deadline
            awaited = Set(demands.map(\.request).filter { arrivals[$0]?.prediction(now: now) != nil })
            return nil
        }
        held.subtract(closings)
        plan.openings = plan.rounds.map(\.request).filter { held.insert($0).inserted }
        inFlight = plan
        rest()
        return plan
    }

    /// Forgets the wait: the next pass is ready when it is next asked for.
    private mutating func rest() {
        readySince = nil
        deadline = nil
        awaited.removeAll()
    }

    // MARK: Learning

    /// The pass in flight is done; learns what it cost.
    ///
    /// - Parameters:
    ///   - outcomes: one for each round.
    ///   - milliseconds: how long the compute thread took.
    ///   - isDrafting: whether any worker drafts, which may have slowed the pass down.
    mutating func finished(_ outcomes: [RoundOutcome], milliseconds: Double, isDrafting: Bool, now: Instant) {
        guard let pass = inFlight else { return }
        abandon()
        let rows = pass.rows(outcomes)
        if pass.isDrafted { overrunEstimate.record(expected: pass.milliseconds, actual: milliseconds) }
        costs.observe(rows: rows, milliseconds: milliseconds, isTypical: !pass.hasPrompts)
        guard configuration.restsDrafting, !pass.hasPrompts, !pass.trees.isEmpty else { return }
        var isQuiet = true
        if isDrafting {
            let decoding = Double(pass.trees.count)
            isQuiet = slowdownGuard.record(
                expected: pass.expectedTokens / decoding,
                emitted: Double(outcomes.reduce(0) { $0 + $1.emittedTokens }) / decoding,
                plain: quietCosts.milliseconds(rows: pass.trees.count),
                elapsed: (now - pass.ready).inMilliseconds
            )
        }
        if isQuiet { quietCosts.observe(rows: rows, milliseconds: milliseconds) }
    }

    /// The pass in flight is over.
    mutating func abandon() {
        inFlight = nil
        isPlanOutdated = true
    }

    /// A worker added to a sequence's tree.
    ///
    /// - Parameters:
    ///   - drafts: what workers have drafted for it; nil if this worker is not a proven one. What it sends may be
    ///     verified, but is not waited for.
    ///   - depth: levels of it that a verdict may accept.
    mutating func arrived(for request: RequestID, drafts: MergedTree?, depth: Int, now: Instant) {
        isPlanOutdated = true
        guard let drafts else { return }
        awaited.remove(request)
        let worth = worth(of: drafts, depth: depth)
        predict(request) { $0.arrived(worth: worth, now: now) }
    }

    /// A sequence has a new base.
    ///
    /// - Parameters:
    ///   - drafts: what is left of what workers have drafted for it.
    ///   - depth: levels of it that a verdict may accept.
    mutating func committed(_ request: RequestID, drafts: MergedTree, depth: Int, now: Instant) {
        let worth = worth(of: drafts, depth: depth)
        predict(request) { $0.committed(worth: worth, now: now) }
    }

    /// A sequence runs no more.
    mutating func ended(_ request: RequestID) {
        arrivals[request] = nil
        awaited.remove(request)
    }

    /// A wait is over, and for these sequences nothing came.
    private mutating func noteMisses() {
        for request in awaited.sorted() {
            predict(request) { $0.missed() }
        }
        awaited.removeAll()
    }

    /// The drafted tokens that a verdict on the tree is expected to accept, each less what its place in a pass costs.
    /// Nodes that the planner would leave out are worth nothing, so no pass waits for them.
    private func worth(of drafts: MergedTree, depth: Int) -> Double {
        drafts.surplus(depth: depth, over: marginalProbability)
    }

    private mutating func predict(_ request: RequestID, _ update: (inout DraftArrivalPredictor) -> Void) {
        if arrivals.update(request, update) != nil { return }
        var predictor = DraftArrivalPredictor()
        update(&predictor)
        arrivals[request] = predictor
    }

    // MARK: Planning

    /// Plans a pass that would start now. Prompts share its rows in the order of admission, and the planner shares
    /// nodes between the other sequences.
    private mutating func plan(_ demands: [Demand], ready: Instant, now: Instant) -> PassPlan {
        let decoding = demands.filter { $0.prefillLeft == 0 }
        let promptLimit = prefillRows(decoding: decoding.count, running: demands.count)
        var left = promptLimit
        let prefills = demands.map { demand in
            let rows = min(demand.prefillLeft, left)
            left -= rows
            return rows
        }
        let promptRows = promptLimit - left
        let choice = Planner(policy: configuration.planning).plan(
            decoding.map { $0.drafts.candidate(depth: $0.depth) },
            otherRows: promptRows,
            cost: costs,
            extraLimit: max(0, delayBudget(decoding: decoding.count) - (now - ready).inMilliseconds)
        )
        if !decoding.isEmpty {
            marginalProbability += (choice.marginalProbability - marginalProbability) * Self.marginWeight
        }
        var plan = PassPlan(
            ready: ready,
            expectedTokens: choice.expectedTokens,
            milliseconds: choice.milliseconds,
            plainMilliseconds: costs.milliseconds(rows: decoding.count + promptRows),
            hasPrompts: decoding.count < demands.count
        )
        for (demand, nodes) in zip(decoding, choice.nodes) {
            plan.trees[demand.request] = demand.drafts.subtree(nodes)
        }
        for (demand, rows) in zip(demands, prefills) {
            if let tree = plan.trees[demand.request]?.tree {
                plan.rounds.append(Round(request: demand.request, work: .verify(tree)))
            } else if rows > 0 {
                plan.rounds.append(Round(request: demand.request, work: .prefill(count: rows)))
            }
        }
        return plan
    }

    /// Rows of the next pass that may go to prompts: fewer while other sequences wait for their next token.
    private func prefillRows(decoding: Int, running: Int) -> Int {
        let least = min(configuration.prefillRowsAtLeast, configuration.prefillRows)
        guard decoding > 0, decoding < running else { return configuration.prefillRows }
        let limit = costs.milliseconds(rows: decoding) + configuration.prefillDelay.inMilliseconds
        var (fits, tooMany) = (least, configuration.prefillRows + 1)
        while tooMany - fits > 1 {
            let rows = (fits + tooMany) / 2
            if costs.milliseconds(rows: decoding + rows) <= limit { fits = rows } else { tooMany = rows }
        }
        // Kernels take rows in fours.
        return fits > least && fits < configuration.prefillRows ? fits / 4 * 4 : fits
    }

    /// Milliseconds by which waiting for drafts and verifying them may together delay the tokens of so many sequences
    /// beyond a plain pass.
    func delayBudget(decoding: Int) -> Double {
        let plain = quietCosts.milliseconds(rows: max(1, decoding))
        let limit = configuration.delayLimit(plainMilliseconds: plain)
        let reserve = min(
            max(overrunEstimate.milliseconds, limit * Self.reserve.lowerBound),
            limit * Self.reserve.upperBound
        )
        return limit - reserve
    }

    /// Until when the pass should wait for drafts; nil if it should start.
    private func deadlineToWaitFor(_ plan: PassPlan, _ demands: [Demand], now: Instant) -> Instant? {
        // Prompts go on at once, and sequences that could wait join them with what they have.
        guard !plan.hasPrompts, !slowdownGuard.isResting else { return nil }
        let left = Duration.fromMilliseconds(delayBudget(decoding: plan.trees.count) - plan.overrun)
        var maximumWait = min(configuration.maximumWait, left)
        if PlantedBug.draftsAwaitedTooLong.isPlanted { maximumWait = maximumWait * 10 }
        guard maximumWait > .zero else { return nil }
        let growing = demands.filter { !$0.isExhausted }
        if configuration.waitsForWorkers {
            let limit = plan.ready + maximumWait
            return now < limit && !growing.isEmpty ? limit : nil
        }
        return DraftWaitPolicy(maximumWait: maximumWait).deadline(
            expected: plan.expectedTokens,
            cost: plan.milliseconds,
            predictions: growing.compactMap { arrivals[$0.request]?.prediction(now: now) },
            ready: plan.ready,
            now: now
        )
    }
}
