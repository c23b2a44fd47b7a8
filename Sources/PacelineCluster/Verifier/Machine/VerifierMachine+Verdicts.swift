import PacelineSpeculation
import PacelineWire

extension VerifierMachine {
    mutating func finishPass(
        _ outcomes: [RoundOutcome],
        milliseconds: Double,
        samplingMilliseconds: Double?,
        now: Instant
    ) {
        guard let pass = scheduler.inFlight else { return }
        links.watchdog.ended()
        checkWatchdog(now: now)
        guard outcomes.count == pass.rounds.count else {
            return failEngine("a pass gave \(outcomes.count) outcomes for \(pass.rounds.count) rounds", now: now)
        }
        scheduler.finished(outcomes, milliseconds: milliseconds, isDrafting: ledger.isDrafting, now: now)
        observer.ended(pass, outcomes, milliseconds: milliseconds, samplingMilliseconds: samplingMilliseconds)
        for (round, outcome) in zip(pass.rounds, outcomes) {
            switch outcome {
            case .prefilled(let count, let reused, let scores, let features):
                statistics.countPrefill(computed: count, reused: reused)
                running.update(round.request) {
                    $0.prefilled(count, reused: reused, logProbabilities: scores)
                    if let features { $0.features.append(features) }
                }
                tellFeatures(of: round.request, now: now)
                record(.prefill(computed: count, reused: reused), of: round.request, now: now)
                emitPromptScores(of: round.request)
            case .verified(let verdict, let scores, _, let features):
                if let features { running.update(round.request) { $0.features.append(features) } }
                commit(verdict, scores, on: pass.trees[round.request], of: round.request, now: now)
            case .noRoom(let reason): fail(round.request, .cacheFull(reason), now: now)
            case .failed(let reason): fail(round.request, .engine(reason), now: now)
            }
        }
        if ledger.isBalanceOutdated { rebalance(now: now) }
    }

    /// Gives a client its prompt's log-probabilities if they are due.
    private mutating func emitPromptScores(of request: RequestID) {
        guard let scores = running.update(request, { $0.takePromptScores() }) ?? nil else { return }
        outbox.append(.emit(request, .prompt(scores)))
    }

    /// Records a round that has just been carried out, if somebody wants to see it.
    private mutating func record(_ result: RoundObserver.Result, of request: RequestID, now: Instant) {
        guard observer.isActive, let length = running[request]?.length else { return }
        if let record = observer.record(result, of: request, length: length, now: now) {
            outbox.append(.round(record))
        }
    }

    /// The engine can compute no more: every request fails, and none is taken.
    mutating func failEngine(_ reason: String, now: Instant) {
        scheduler.abandon()
        links.watchdog.ended()
        service.fail(reason)
        outbox.append(.note(.engineFailed(reason)))
        failWaiting(.engine(reason))
        for id in running.keys {
            fail(id, .engine(reason), now: now)
        }
    }

    /// Applies a verdict: the client gets its tokens, the workers follow.
    ///
    /// - Parameters:
    ///   - logProbabilities: of the verdict's tokens; empty if nobody wants them.
    ///   - tree: what the verdict is about.
    private mutating func commit(
        _ verdict: Verdict,
        _ logProbabilities: [TokenLogProbability],
        on tree: MergedTree?,
        of request: RequestID,
        now: Instant
    ) {
        // The client may have gone while the pass ran.
        guard running.contains(request) else { return }
        emitPromptScores(of: request)
        let workers = ledger.workers(of: request)
        learn(from: verdict, of: request, workers: workers)
        let drafted = tree?.tree.count ?? 0
        statistics.count(verdict, drafted: drafted)
        let shares = tree?.shares(of: verdict) ?? SortedTable()
        ledger.record(shares, of: request)
        let committed = running.update(request) {
            $0.commit(verdict, logProbabilities: logProbabilities, on: tree, now: now)
        }
        guard let committed, let sequence = running[request] else { return }
        record(.verify(verdict, committed.tokens), of: request, now: now)
        outbox.append(.emit(request, .tokens(committed)))
        if PlantedBug.tokensEmittedTwice.isPlanted { outbox.append(.emit(request, .tokens(committed))) }
        if let reason = sequence.finish { return finish(request, reason, closing: .finished, now: now) }
        let drafts = valuableDrafts(for: request)
        scheduler.committed(request, drafts: drafts, depth: sequence.verifiableDepth, now: now)
        for worker in workers {
            announce(sequence, to: worker, among: workers, share: shares[worker] ?? .none, now: now)
        }
    }

    /// Learns what a verdict says about each worker, whether or not its nodes were verified.
    private mutating func learn(from verdict: Verdict, of request: RequestID, workers: [LinkID]) {
        // A worker that must be silent cannot show what it is worth.
        let isJudging = configuration.restsDrafting && !scheduler.slowdownGuard.isResting
        for worker in workers {
            guard let tree = running.update(request, { $0.tree(of: worker) }) else { continue }
            let isHeard = ledger.isHeard(worker, of: request)
            // In place: a profile is large, and copied when its copy learns.
            let change = links.update(worker) { link -> (isRest: Bool, provenAt: String?) in
                let wasResting = link.worker?.profile.performance.isResting
                let wasProven = link.worker?.profile.isProven
                link.worker?.profile.learn(from: verdict, on: tree, isHeard: isHeard, isJudged: isJudging)
                let isProven = link.worker?.profile.isProven
                return (
                    link.worker?.profile.performance.isResting != wasResting,
                    isProven == wasProven ? nil : link.host
                )
            }
            if change?.isRest == true { ledger.unbalance() }
            if let host = change?.provenAt { reputation.praise(host) }
        }
    }

    /// Tells a worker of the last verdict, and of those before that were withheld from it.
    ///
    /// - Parameter workers: those of the sequence, this one included.
    private mutating func announce(
        _ sequence: VerifierSequence,
        to worker: LinkID,
        among workers: [LinkID],
        share: VerdictShare,
        now: Instant
    ) {
        let request = sequence.request
        guard canTell(worker, of: sequence) else { return giveUp(request, at: worker, now: now) }
        guard !isOpening(request, at: worker) else { return ledger.withhold(from: worker, of: request) }
        let terms = terms(for: worker, among: workers)
        let due = ledger.announce(terms, to: worker, of: request)
        let commits = sequence.history.commits(last: due.verdicts)
        guard let latest = commits.last else { return }
        for commit in PlantedBug.withheldVerdictsForgotten.isPlanted ? [] : commits.dropLast() {
            let message = Message.Verdict(commit.tokens, of: request, mark: commit.mark, share: .none)
            send(.verdict(message), to: worker, now: now)
        }
        // Just before the verdict with the tokens behind them: workers drop features that are far ahead of their base.
        tellFeatures(of: request, to: worker, now: now)
        var message = Message.Verdict(latest.tokens, of: request, mark: latest.mark, share: share)
        message.credit = terms.credit
        // Each verdict costs the worker a node of credit for ever.
        if PlantedBug.creditLeaked.isPlanted { message.credit = max(0, terms.credit - Int(latest.mark.epoch)) }
        message.limits = due.limits
        message.shard = due.shard
        message.rest = terms.rest
        send(.verdict(message), to: worker, now: now)
        if PlantedBug.verdictSentTwice.isPlanted { send(.verdict(message), to: worker, now: now) }
    }

    /// Whether a worker still has part of the base to be sent, so that it cannot follow verdicts yet.
    func isOpening(_ request: RequestID, at worker: LinkID) -> Bool {
        links.isOpening(request.rawValue, on: worker)
    }

    /// Whether a worker can follow a sequence further. Its protocol version must be able to name the base, and the
    /// commits it has not been told must still be on record.
    private func canTell(_ worker: LinkID, of sequence: VerifierSequence) -> Bool {
        guard let peer = links[worker]?.worker?.peer else { return false }
        return sequence.length <= WireLimits.baseLength(version: peer.version)
            && ledger.withheld(from: worker, of: sequence.request) < BaseHistory.limit
    }

    /// Takes a request from a worker permanently.
    private mutating func giveUp(_ request: RequestID, at worker: LinkID, now: Instant) {
        close(request, at: worker, .contextLength, now: now)
        ledger.refuse(request, at: worker)
    }
}

extension Message.Verdict {
    /// What a worker is told of a commit; it leaves the worker no credit.
    fileprivate init(_ tokens: [Token], of request: RequestID, mark: BaseMark, share: VerdictShare) {
        self.init(
            request: request.rawValue,
            epoch: mark.epoch,
            baseLength: mark.length,
            baseHash: mark.hash,
            tokens: tokens,
            verifiedNodes: share.verified,
            acceptedNodes: min(share.accepted, tokens.count - 1),
            credit: 0
        )
    }
}
