import PacelineSpeculation
import PacelineWire

extension VerifierMachine {
    mutating func finishPass(_ outcomes: [RoundOutcome], milliseconds: Double, now: Instant) {
        guard let pass = scheduler.inFlight else { return }
        watchdog.ended()
        checkWatchdog(now: now)
        guard outcomes.count == pass.rounds.count else {
            return failEngine("a pass gave \(outcomes.count) outcomes for \(pass.rounds.count) rounds", now: now)
        }
        let isDrafting = links.values.contains { $0.worker?.requests.isEmpty == false }
        scheduler.finished(outcomes, milliseconds: milliseconds, isDrafting: isDrafting, now: now)
        for (round, outcome) in zip(pass.rounds, outcomes) {
            switch outcome {
            case .prefilled(let count, let reused): prefilled(round.request, count: count, reused: reused)
            case .verified(let verdict): commit(verdict, on: pass.trees[round.request], of: round.request, now: now)
            case .failed(let reason): fail(round.request, .engine(reason), now: now)
            }
        }
        if isBalanceOutdated { rebalance(now: now) }
    }

    private mutating func prefilled(_ request: RequestID, count: Int, reused: Int) {
        statistics.prefilledTokens += count
        statistics.reusedTokens += reused
        _ = running.update(request) { $0.prefilled(count + reused) }
    }

    /// The engine is of no use any more: every request fails, and none is taken.
    mutating func failEngine(_ reason: String, now: Instant) {
        scheduler.abandon()
        watchdog.ended()
        engineFault = reason
        outbox.append(.note(.engineFailed(reason)))
        for entry in waiting {
            outbox.append(.emit(entry.id, .failed(.engine(reason))))
        }
        waiting.removeAll()
        for id in running.keys {
            fail(id, .engine(reason), now: now)
        }
    }

    /// Applies a verdict: the client gets its tokens, the workers follow.
    ///
    /// - Parameter tree: what the verdict is about.
    private mutating func commit(_ verdict: Verdict, on tree: MergedTree?, of request: RequestID, now: Instant) {
        // The client may have gone while the pass ran.
        guard let board = running[request]?.board else { return }
        learn(from: verdict, on: board)
        let drafted = tree?.tree.count ?? 0
        count(verdict, drafted: drafted)
        let shares = tree?.shares(of: verdict) ?? SortedTable()
        let committed = running.update(request) { sequence in
            for (worker, share) in zip(shares.keys, shares.values) { sequence.credit(share, to: worker) }
            sequence.statistics.record(drafted: drafted, accepted: verdict.path.count)
            return sequence.commit(verdict, now: now)
        }
        guard let committed, let sequence = running[request] else { return }
        outbox.append(.emit(request, .tokens(committed.tokens, text: committed.text)))
        credit(shares)
        if let reason = sequence.finish {
            end(request, .finished, now: now)
            outbox.append(.emit(request, .finished(sequence.summary(reason))))
            return
        }
        let drafts = provenDrafts(for: sequence)
        scheduler.committed(request, drafts: drafts, depth: sequence.verifiableDepth, now: now)
        for worker in sequence.board.workers {
            announce(sequence, to: worker, share: shares[worker] ?? .none, now: now)
        }
    }

    /// What the target's tokens say about every worker's confidence and use, verified nodes or not.
    private mutating func learn(from verdict: Verdict, on board: TreeBoard) {
        // A worker that has to be silent cannot show what it is worth.
        let isJudging = configuration.restsDrafting && !scheduler.slowdownGuard.isResting
        for (worker, tree, isHeard) in board.trees() {
            guard var profile = links[worker]?.worker?.profile else { continue }
            let wasResting = profile.workerYield.isResting
            if !tree.isEmpty { profile.calibration.learn(from: verdict, on: tree) }
            profile.shape.record(verdict.tokens, on: tree)
            if isJudging {
                let agreed = tree.descend(verdict.tokens).count
                profile.workerYield.record(agreed: agreed, nodes: tree.count, isHeard: isHeard)
            }
            if profile.workerYield.isResting != wasResting { isBalanceOutdated = true }
            _ = links.update(worker) { $0.worker?.profile = profile }
        }
    }

    private mutating func count(_ verdict: Verdict, drafted: Int) {
        statistics.speculation.record(drafted: drafted, accepted: verdict.path.count)
        if drafted == 0 { statistics.plainRounds += 1 }
    }

    private mutating func credit(_ shares: SortedTable<LinkID, VerdictShare>) {
        for (worker, share) in zip(shares.keys, shares.values) {
            _ = links.update(worker) { link in
                link.worker?.draftTokens += share.verified
                link.worker?.acceptedTokens += share.accepted
            }
        }
    }

    /// Tells a worker of the last verdict, and of those before that were withheld from it.
    private mutating func announce(_ sequence: VerifierSequence, to worker: LinkID, share: VerdictShare, now: Instant) {
        guard canTell(worker, of: sequence) else { return giveUp(sequence.request, at: worker, now: now) }
        guard !isOpening(sequence.request, at: worker) else {
            _ = running.update(sequence.request) { $0.board.withhold(from: worker) }
            return
        }
        let credit = credit(of: worker)
        let due = running.update(sequence.request) { $0.board.grant(credit, to: worker) } ?? 0
        let commits = sequence.history.commits(last: due)
        guard let latest = commits.last else { return }
        for commit in commits.dropLast() {
            let message = Message.Verdict(commit.tokens, of: sequence.request, mark: commit.mark, share: .none)
            send(.verdict(message), to: worker, now: now)
        }
        let limits = draftLimits(of: worker)
        let shard = shard(of: worker, among: sequence.board.workers)
        var message = Message.Verdict(latest.tokens, of: sequence.request, mark: latest.mark, share: share)
        message.credit = credit
        _ = running.update(sequence.request) { sequence in
            message.limits = sequence.board.bound(limits, to: worker)
            message.shard = sequence.board.deal(shard, to: worker)
        }
        send(.verdict(message), to: worker, now: now)
    }

    /// Whether a worker still has part of the base to be sent, so that it cannot follow verdicts yet.
    func isOpening(_ request: RequestID, at worker: LinkID) -> Bool {
        links[worker]?.machine.isOpening(request.rawValue) ?? false
    }

    /// Whether a worker can follow a sequence further: its version of the protocol can name the base, and of a base
    /// that takes its time to reach it, what was committed since is still there to be told.
    private func canTell(_ worker: LinkID, of sequence: VerifierSequence) -> Bool {
        guard let peer = links[worker]?.worker?.peer else { return false }
        return sequence.length <= WireLimits.baseLength(version: peer.version)
            && sequence.board.withheld(from: worker) < BaseHistory.limit
    }

    /// The worker is not to draft for a request any more, nor again.
    private mutating func giveUp(_ request: RequestID, at worker: LinkID, now: Instant) {
        _ = running.update(request) { $0.board.remove(worker) }
        close(request, at: worker, .contextLength, now: now)
        _ = links.update(worker) { $0.worker?.refused.insert(request) }
        isBalanceOutdated = true
    }

    /// The verifier in numbers.
    package var snapshot: VerifierSnapshot {
        let connected = zip(links.keys, links.values).compactMap { id, link in
            link.worker.map { snapshot(of: $0, id: id, isConnected: true) }
        }
        return VerifierSnapshot(
            running: running.count,
            waiting: waiting.count,
            workers: connected + statistics.departed,
            speculation: statistics.speculation,
            plainRounds: statistics.plainRounds,
            trees: statistics.trees,
            passes: statistics.passes,
            costs: scheduler.costs.points,
            prefilledTokens: statistics.prefilledTokens,
            reusedTokens: statistics.reusedTokens,
            speedUp: scheduler.slowdownGuard.speedUp,
            pendingLinks: links.values.count { $0.worker == nil },
            reservedTokens: reservedTokens
        )
    }
}
