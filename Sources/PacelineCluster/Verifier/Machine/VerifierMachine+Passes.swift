import PacelineSpeculation
import PacelineWire

extension VerifierMachine {
    /// How much of a new plan's price of a node enters the running average.
    private static let marginWeight = 0.2
    /// The shares of the delay limit that are kept back for passes which take longer than expected.
    private static let reserve = 0.3...0.6

    /// Hands the compute thread its next pass if there is work, it is idle, and waiting for drafts does not pay.
    mutating func startPassIfDue(now: Instant) {
        guard inFlight == nil, engineFault == nil else { return }
        let closings = opened.subtracting(running.keys).sorted()
        guard !running.isEmpty || !closings.isEmpty else { return rest() }
        if let waitDeadline, now < waitDeadline, !isPlanOutdated { return }
        isPlanOutdated = false
        if readySince == nil { readySince = now }
        if let waitDeadline, now >= waitDeadline { noteMisses() }
        let plan = nextPass(now: now)
        if closings.isEmpty, let deadline = deadlineToWaitFor(plan, now: now) {
            waitDeadline = deadline
            awaited = Set(running.values.filter { $0.arrivals.prediction(now: now) != nil }.map(\.request))
            return
        }
        start(plan, closings: closings, now: now)
    }

    /// A worker added to a sequence's tree.
    mutating func noteArrival(for request: RequestID, from worker: LinkID, now: Instant) {
        isPlanOutdated = true
        guard isProven(worker) else { return }
        awaited.remove(request)
        guard let worth = running[request].map({ worth(of: $0) }) else { return }
        _ = running.update(request) { $0.arrivals.arrived(worth: worth, now: now) }
    }

    /// A wait is over, and for these sequences nothing came.
    private mutating func noteMisses() {
        for request in awaited.sorted() {
            _ = running.update(request) { $0.arrivals.missed() }
        }
        awaited.removeAll()
    }

    /// The drafted tokens that a verdict on the sequence's tree is expected to accept, each less what its place in a
    /// pass costs. What the planner would leave out, because it is too improbable or because the places go to others,
    /// is worth nothing, and so is not waited for; nor is what comes from a worker that has never been right.
    func worth(of sequence: VerifierSequence) -> Double {
        merged(sequence.board, isIncluded: isProven).surplus(depth: sequence.room - 1, over: marginalProbability)
    }

    /// Whether a worker has shown that the target takes tokens of its trees.
    private func isProven(_ worker: LinkID) -> Bool {
        links[worker]?.worker?.profile.isProven ?? false
    }

    /// The trees of a board in one, believed as far as their workers have earned it.
    private func merged(_ board: TreeBoard, isIncluded: (LinkID) -> Bool = { _ in true }) -> MergedTree {
        board.merged { worker, tree in
            isIncluded(worker) ? links[worker]?.worker?.profile.probabilities(of: tree) : nil
        }
    }

    /// Nothing to do: the time at which a pass could start begins with the next request.
    private mutating func rest() {
        readySince = nil
        waitDeadline = nil
        awaited.removeAll()
    }

    /// Milliseconds by which a pass takes longer than a plain one, which delays its tokens as waiting does.
    private func overrun(of plan: PassPlan) -> Double {
        max(0, plan.milliseconds - plan.plainMilliseconds)
    }

    /// Milliseconds by which waiting for drafts and verifying them may together delay a token beyond a plain pass.
    private var delayBudget: Double {
        let limit = max(configuration.delayLimit, configuration.maximumWait).inMilliseconds
        let reserve = min(
            max(overrunEstimate.milliseconds, limit * Self.reserve.lowerBound),
            limit * Self.reserve.upperBound
        )
        return limit - reserve
    }

    /// Milliseconds by which the next pass may take longer than a plain one: what the waiting has left of the budget.
    private func extraLimit(now: Instant) -> Double {
        let waited = readySince.map { (now - $0).inMilliseconds } ?? 0
        return max(0, delayBudget - waited)
    }

    /// What the next pass would be if it started now: prompts share their rows in order of admission, and the planner
    /// shares nodes between the other sequences.
    private mutating func nextPass(now: Instant) -> PassPlan {
        let prefillRows = prefillRows
        var rowsLeft = prefillRows
        var rounds: [RoundPlan] = []
        var candidates: [Planner.Input] = []
        for sequence in running.values {
            guard sequence.prefillLeft == 0 else {
                let count = min(sequence.prefillLeft, rowsLeft)
                rowsLeft -= count
                rounds.append(RoundPlan(request: sequence.request, work: .prefill(count)))
                continue
            }
            let merged = slowdownGuard.isResting ? MergedTree(limits: treeLimits) : merged(sequence.board)
            rounds.append(RoundPlan(request: sequence.request, work: .verify(merged)))
            // A verdict emits one token more than it accepts, and the limit must not be passed.
            candidates.append(merged.candidate(depth: sequence.room - 1))
        }
        let planner = Planner(policy: configuration.planning)
        let promptRows = prefillRows - rowsLeft
        let plan = planner.plan(candidates, otherRows: promptRows, cost: costs, extraLimit: extraLimit(now: now))
        if !candidates.isEmpty {
            marginalProbability += (plan.marginalProbability - marginalProbability) * Self.marginWeight
        }
        var chosen = plan.nodes.makeIterator()
        for index in rounds.indices {
            guard let merged = rounds[index].tree, let nodes = chosen.next() else { continue }
            rounds[index].work = .verify(merged.subtree(nodes))
        }
        return PassPlan(
            rounds: rounds,
            expectedTokens: plan.expectedTokens,
            milliseconds: plan.milliseconds,
            plainMilliseconds: costs.milliseconds(rows: candidates.count + promptRows)
        )
    }

    /// Rows of the next pass that may go to prompts: fewer while other sequences wait for their next token.
    private var prefillRows: Int {
        let decoding = running.values.count { $0.prefillLeft == 0 }
        let least = min(configuration.prefillRowsAtLeast, configuration.prefillRows)
        guard decoding > 0, decoding < running.count else { return configuration.prefillRows }
        let limit = costs.milliseconds(rows: decoding) + configuration.prefillDelay.inMilliseconds
        var (fits, tooMany) = (least, configuration.prefillRows + 1)
        while tooMany - fits > 1 {
            let rows = (fits + tooMany) / 2
            if costs.milliseconds(rows: decoding + rows) <= limit { fits = rows } else { tooMany = rows }
        }
        // Kernels take rows in fours.
        return fits > least && fits < configuration.prefillRows ? fits / 4 * 4 : fits
    }

    /// Until when the pass should wait for drafts; nil if it should start.
    private func deadlineToWaitFor(_ plan: PassPlan, now: Instant) -> Instant? {
        // Prompts go on at once, and sequences that could wait join them with what they have.
        guard !plan.isUrgent, !slowdownGuard.isResting, let readySince else { return nil }
        let left = Duration.fromMilliseconds(delayBudget - overrun(of: plan))
        let maximumWait = min(configuration.maximumWait, left)
        guard maximumWait > .zero else { return nil }
        if configuration.waitsForWorkers {
            let limit = readySince + maximumWait
            return now < limit && !running.values.allSatisfy(\.board.isExhausted) ? limit : nil
        }
        let predictions = running.values.compactMap { sequence -> DraftArrivalPredictor.Prediction? in
            sequence.board.isExhausted ? nil : sequence.arrivals.prediction(now: now)
        }
        return DraftWaitPolicy(maximumWait: maximumWait).deadline(
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
            expectedMilliseconds: plan.milliseconds,
            expectedTokens: plan.isUrgent ? nil : plan.expectedTokens
        )
        rest()
        statistics.passes += 1
        links.watchdog.began(now: now)
        outbox.append(.run(pass))
        // In the classic protocol a worker does not draft below what is not decided yet.
        guard !configuration.waitsForWorkers else { return }
        for entry in entries { announce(entry, now: now) }
    }

    /// Tells the workers of a sequence which nodes are being verified, so that they draft below them. Workers that have
    /// no credit need not know.
    private mutating func announce(_ entry: InFlightPass.Entry, now: Instant) {
        guard let tree = entry.tree?.tree, !tree.isEmpty, let mark = running[entry.request]?.mark else { return }
        let message = Message.Verifying(
            request: entry.request.rawValue,
            epoch: mark.epoch,
            baseLength: mark.length,
            baseHash: mark.hash,
            nodes: tree.map { Message.Verifying.Node(parent: $0.parent, token: $0.token) }
        )
        for worker in entry.workers where credit(of: worker) > 0 && !isOpening(entry.request, at: worker) {
            guard links[worker]?.worker?.peer.capabilities.contains(.verifying) == true else { continue }
            send(.verifying(message), to: worker, now: now)
        }
    }
}
