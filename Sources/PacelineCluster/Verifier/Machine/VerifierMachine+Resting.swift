import PacelineWire

extension VerifierMachine {
    /// Nodes of paths this many times less probable than what a pass has room for may still be drafted ahead.
    private static let foresight = 1.0 / 8

    /// How many nodes a worker may have outstanding from now on.
    func credit(of worker: LinkID) -> Int {
        guard configuration.restsDrafting else { return configuration.draft.nodes }
        guard !scheduler.slowdownGuard.isResting else { return 0 }
        return links[worker]?.worker?.profile.workerYield.credit(limit: configuration.draft.nodes) ?? 0
    }

    /// How large a worker's trees should be from now on, and how probable their nodes.
    func draftLimits(of worker: LinkID) -> DraftLimits {
        var limits = links[worker]?.worker?.profile.shape.limits(within: configuration.draft) ?? configuration.draft
        // What is not worth verifying now may be when the base has grown towards it.
        limits.minimumProbability = scheduler.marginalProbability * Self.foresight
        return limits
    }

    /// Why a worker is not asked to draft at present; nil if it is.
    func rest(of worker: WorkerRecord) -> DraftingRest? {
        guard configuration.restsDrafting else { return nil }
        if scheduler.slowdownGuard.hasLost, let speedUp = scheduler.slowdownGuard.lastLoss {
            return .slower(speedUp: speedUp)
        }
        guard worker.profile.workerYield.isResting, let tokens = worker.profile.workerYield.lastFailure else {
            return nil
        }
        return .useless(tokensPerVerdict: tokens)
    }

    /// Why a worker was last not asked to draft.
    func lastRest(of worker: WorkerRecord) -> DraftingRest? {
        if let rest = rest(of: worker) { return rest }
        if let tokens = worker.profile.workerYield.lastFailure { return .useless(tokensPerVerdict: tokens) }
        return scheduler.slowdownGuard.lastLoss.map { .slower(speedUp: $0) }
    }
}
