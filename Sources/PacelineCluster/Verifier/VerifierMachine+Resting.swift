import PacelineWire

extension VerifierMachine {
    /// How many nodes a worker may have outstanding from now on.
    func credit(of worker: LinkID) -> Int {
        guard configuration.restsDrafting else { return configuration.draft.nodes }
        guard !governor.isResting else { return 0 }
        return links[worker]?.worker?.usefulness.credit(limit: configuration.draft.nodes) ?? 0
    }

    /// Why a worker is not asked to draft at present; nil if it is.
    func rest(of worker: WorkerRecord) -> DraftingRest? {
        guard configuration.restsDrafting else { return nil }
        if governor.hasLost, let speedUp = governor.lastLoss { return .slower(speedUp: speedUp) }
        guard worker.usefulness.isResting, let tokens = worker.usefulness.lastFailure else { return nil }
        return .useless(tokensPerVerdict: tokens)
    }

    /// Why a worker was last not asked to draft.
    func lastRest(of worker: WorkerRecord) -> DraftingRest? {
        if let rest = rest(of: worker) { return rest }
        if let tokens = worker.usefulness.lastFailure { return .useless(tokensPerVerdict: tokens) }
        return governor.lastLoss.map { .slower(speedUp: $0) }
    }
}
