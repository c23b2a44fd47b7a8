import PacelineSpeculation
import PacelineWire

extension VerifierMachine {
    /// The verifier in numbers.
    package var snapshot: VerifierSnapshot {
        let connected = zip(links.keys, links.values).compactMap { id, link in
            link.worker.map { snapshot(of: $0, id: id, isConnected: true) }
        }
        return VerifierSnapshot(
            running: running.count,
            waiting: waiting.count,
            workers: connected + statistics.departed,
            drafters: statistics.drafters(with: connected),
            speculation: statistics.speculation,
            plainRounds: statistics.plainRounds,
            trees: statistics.trees,
            passes: statistics.passes,
            costs: scheduler.costs.points,
            prefilledTokens: statistics.prefilledTokens,
            reusedTokens: statistics.reusedTokens,
            speedUp: scheduler.slowdownGuard.speedUp,
            pendingLinks: links.values.count { $0.worker == nil },
            reservedTokens: reservedTokens,
            dismissedWorkers: statistics.dismissals,
            doubtedAddresses: reputation.count
        )
    }

    func snapshot(of worker: WorkerRecord, id: LinkID, isConnected: Bool) -> VerifierSnapshot.Worker {
        let tally = ledger.tally(of: id)
        return VerifierSnapshot.Worker(
            id: id,
            name: worker.peer.name,
            drafter: worker.drafter,
            isConnected: isConnected,
            openRequests: isConnected ? ledger.requests(of: id).count : 0,
            draftTokens: tally.draftTokens,
            acceptedTokens: tally.acceptedTokens,
            staleTrees: tally.staleTrees,
            credit: isConnected ? credit(of: id) : 0,
            rest: isConnected ? rest(of: worker) : nil,
            lastRest: lastRest(of: worker)
        )
    }

    /// Requests that run, cheaper than ``snapshot`` where it is asked on every step.
    package var runningCount: Int { running.count }

    /// Requests that wait for a slot.
    package var waitingCount: Int { waiting.count }

    /// Workers that are connected.
    package var workerCount: Int { links.values.count { $0.worker != nil } }

    /// Connections of all kinds.
    package var linkCount: Int { links.count }

    /// Why a worker is not asked to draft at present; nil if it is.
    private func rest(of worker: WorkerRecord) -> DraftingRest? {
        guard configuration.restsDrafting else { return nil }
        let slowdownGuard = scheduler.slowdownGuard
        if slowdownGuard.hasLost, let speedUp = slowdownGuard.lastLoss { return .slower(speedUp: speedUp) }
        guard worker.profile.performance.isResting else { return nil }
        return worker.profile.performance.lastFailure.map(DraftingRest.useless)
    }

    /// The same for the worker itself, given that it has no credit.
    func restReason(of worker: WorkerRecord) -> DraftRestReason {
        switch rest(of: worker) {
        case .useless: .useless
        case .slower: .slower
        case nil: scheduler.slowdownGuard.isResting ? .measuring : .unspecified
        }
    }

    /// Why a worker was last not asked to draft.
    private func lastRest(of worker: WorkerRecord) -> DraftingRest? {
        if let rest = rest(of: worker) { return rest }
        if let tokens = worker.profile.performance.lastFailure { return .useless(tokensPerVerdict: tokens) }
        return scheduler.slowdownGuard.lastLoss.map(DraftingRest.slower)
    }
}
