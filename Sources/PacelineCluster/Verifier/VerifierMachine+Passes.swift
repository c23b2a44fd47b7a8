import PacelineSpeculation
import PacelineWire

extension VerifierMachine {
    /// Hands the compute thread its next pass if there is work, it is idle, and waiting for drafts does not pay.
    mutating func startPassIfDue(now: Instant) {
        guard inFlight == nil, engineFault == nil else { return }
        let closings = opened.subtracting(running.keys).sorted()
        guard !running.isEmpty || !closings.isEmpty else { return rest() }
        if let waitDeadline, now < waitDeadline, !isPlanOutdated { return }
        isPlanOutdated = false
        if readySince == nil { readySince = now }
        if let waitDeadline, now >= waitDeadline { noteMisses() }
        let plan = nextPass()
        if closings.isEmpty, let deadline = deadlineToWaitFor(plan, now: now) {
            waitDeadline = deadline
            awaited = Set(running.values.filter { $0.pace.prediction(now: now) != nil }.map(\.request))
            return
        }
        start(plan, closings: closings, now: now)
    }

    /// A worker added to a sequence's tree.
    mutating func noteArrival(for request: RequestID, now: Instant) {
        isPlanOutdated = true
        awaited.remove(request)
        guard let worth = running[request].map({ worth(of: $0) }) else { return }
        _ = running.update(request) { $0.pace.arrived(worth: worth, now: now) }
    }

    /// A wait is over, and for these sequences nothing came.
    private mutating func noteMisses() {
        for request in awaited.sorted() {
            _ = running.update(request) { $0.pace.missed() }
        }
        awaited.removeAll()
    }

    /// The drafted tokens that a verdict on the sequence's tree is expected to accept, were it planned for alone.
    func worth(of sequence: Sequence) -> Double {
        let candidate = merged(sequence.board).candidate(depth: sequence.room - 1)
        return Planner(policy: configuration.planning).plan([candidate], cost: costs).expectedTokens - 1
    }

    /// All trees of a board in one, believed as far as their workers have earned it.
    func merged(_ board: TreeBoard) -> MergedTree {
        board.merged { worker, logProbability, depth in
            links[worker]?.worker?.calibration.probability(logProbability: logProbability, depth: depth) ?? 0
        }
    }

    /// Nothing to do: the time at which a pass could start begins with the next request.
    private mutating func rest() {
        readySince = nil
        waitDeadline = nil
        awaited.removeAll()
    }

    /// What the next pass would be if it started now: prompts share their rows in order of admission, and the planner
    /// shares nodes between the other sequences.
    private func nextPass() -> PassPlan {
        var rowsLeft = configuration.prefillRows
        var rounds: [RoundPlan] = []
        var candidates: [Planner.Candidate] = []
        for sequence in running.values {
            guard sequence.prefillLeft == 0 else {
                let count = min(sequence.prefillLeft, rowsLeft)
                rowsLeft -= count
                rounds.append(RoundPlan(request: sequence.request, work: .prefill(count)))
                continue
            }
            let merged = governor.isResting ? MergedTree(limits: treeLimits) : merged(sequence.board)
            rounds.append(RoundPlan(request: sequence.request, work: .verify(merged)))
            // A verdict emits one token more than it accepts, and the limit must not be passed.
            candidates.append(merged.candidate(depth: sequence.room - 1))
        }
        let planner = Planner(policy: configuration.planning)
        let plan = planner.plan(candidates, otherRows: configuration.prefillRows - rowsLeft, cost: costs)
        var chosen = plan.nodes.makeIterator()
        for index in rounds.indices {
            guard let merged = rounds[index].tree, let nodes = chosen.next() else { continue }
            rounds[index].work = .verify(merged.subtree(nodes))
        }
        return PassPlan(rounds: rounds, expectedTokens: plan.expectedTokens, milliseconds: plan.milliseconds)
    }

    /// Until when the pass should wait for drafts; nil if it should start.
    private func deadlineToWaitFor(_ plan: PassPlan, now: Instant) -> Instant? {
        // Prompts go on at once, and sequences that could wait join them with what they have.
        guard !plan.isUrgent, !governor.isResting, let readySince else { return nil }
        if configuration.waitsForWorkers {
            let limit = readySince + configuration.maximumWait
            return now < limit && !running.values.allSatisfy(\.board.isExhausted) ? limit : nil
        }
        let predictions = running.values.compactMap { sequence -> DraftPace.Prediction? in
            sequence.board.isExhausted ? nil : sequence.pace.prediction(now: now)
        }
        return Patience(maximumWait: configuration.maximumWait).deadline(
            expected: plan.expectedTokens,
            cost: plan.milliseconds,
            predictions: predictions,
            ready: readySince,
            now: now
        )
    }

    private mutating func start(_ plan: PassPlan, closings: [RequestID], now: Instant) {
        var pass = Pass(closings: closings)
        var entries: [InFlightPass.Entry] = []
        opened.subtract(closings)
        for planned in plan.rounds {
            guard let sequence = running[planned.request], let round = planned.round else { continue }
            if opened.insert(planned.request).inserted { pass.openings.append(sequence.opening) }
            pass.rounds.append(round)
            entries.append(
                InFlightPass.Entry(
                    request: planned.request,
                    tree: planned.tree,
                    workers: sequence.board.workers,
                    rows: round.rows
                )
            )
        }
        inFlight = InFlightPass(
            entries: entries,
            ready: readySince ?? now,
            expectedTokens: plan.isUrgent ? nil : plan.expectedTokens
        )
        rest()
        statistics.passes += 1
        pulse.began(now: now)
        outbox.append(.run(pass))
    }
}
