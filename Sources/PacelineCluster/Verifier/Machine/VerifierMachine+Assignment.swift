import PacelineSpeculation
import PacelineWire

extension VerifierMachine {
    /// Nodes of paths this many times less probable than what a pass has room for may still be drafted ahead.
    private static let foresight = 1.0 / 8

    /// Spreads workers over sequences after one of either came or went.
    mutating func rebalance(now: Instant) {
        let moves = Assignment.moves(
            workers: assignableWorkers,
            sequences: running.values.filter(\.isDraftable).map {
                Assignment.Request(request: $0.request, length: $0.length)
            },
            workersPerSequence: min(configuration.workersPerSequence, MergedTree.workerLimit)
        )
        ledger.balance()
        for move in moves {
            switch move {
            case .open(let request, let worker): open(request, at: worker, now: now)
            case .close(let request, let worker): close(request, at: worker, .reassigned, now: now)
            }
        }
    }

    /// Tells a worker that a request is over for it.
    mutating func close(
        _ request: RequestID,
        at worker: LinkID,
        _ reason: Message.Close.Reason,
        now: Instant
    ) {
        let left = ledger.close(request, at: worker)
        running.update(request) { $0.drop(worker) }
        let credit = configuration.draft.nodes
        links.update(worker) { link in
            guard let left, let requests = link.worker?.peer.slots else { return }
            link.worker?.conduct.closed(left: left, requests: requests, credit: credit)
        }
        send(.close(Message.Close(request: request.rawValue, reason: reason)), to: worker, now: now)
    }

    /// What a worker is asked to draft for a request from now on.
    ///
    /// - Parameter workers: those of the request, this one included.
    func terms(for worker: LinkID, among workers: [LinkID]) -> DraftTerms {
        let shape = links[worker]?.worker?.profile.shape
        var limits = shape?.limits(within: configuration.draft) ?? configuration.draft
        // What is not worth verifying now may be when the base has grown towards it.
        limits.minimumProbability = scheduler.marginalProbability * Self.foresight
        var terms = DraftTerms(credit: credit(of: worker), limits: limits, shard: shard(of: worker, among: workers))
        if terms.credit == 0 { terms.rest = links[worker]?.worker.map(restReason) ?? .unspecified }
        return terms
    }

    /// How many nodes a worker may have outstanding from now on.
    func credit(of worker: LinkID) -> Int {
        guard configuration.restsDrafting else { return configuration.draft.nodes }
        guard !scheduler.slowdownGuard.isResting else { return 0 }
        return links[worker]?.worker?.profile.performance.credit(limit: configuration.draft.nodes) ?? 0
    }

    var assignableWorkers: [Assignment.Worker] {
        zip(links.keys, links.values).compactMap { id, link in
            guard let worker = link.worker else { return nil }
            return Assignment.Worker(
                id: id,
                slots: worker.peer.slots,
                requests: ledger.requests(of: id),
                refused: ledger.refused(by: id),
                isDraining: worker.isDraining,
                contextLength: worker.peer.baseLimit,
                isResting: configuration.restsDrafting && worker.profile.performance.isResting,
                merit: worker.profile.performance.tokensPerVerdict
            )
        }
    }

    /// Gives a worker all it needs to draft for a request from nothing.
    private mutating func open(_ request: RequestID, at worker: LinkID, now: Instant) {
        guard let sequence = running[request], let record = links[worker]?.worker else { return }
        let (drafter, peer) = (record.drafter, record.peer)
        let terms = terms(for: worker, among: ledger.workers(of: request) + [worker])
        var message = Message.Open(
            request: request.rawValue,
            epoch: sequence.mark.epoch,
            base: sequence.base,
            baseHash: sequence.mark.hash,
            sampling: sequence.sampling,
            credit: terms.credit,
            limits: terms.limits,
            shard: terms.shard,
            lengthLimit: sequence.lengthLimit,
            traceID: sequence.name?.trace.traceID.bytes ?? [],
            requestID: sequence.name?.id ?? ""
        )
        message.rest = terms.rest
        if let constraint = sequence.draftConstraint, peer.takes(constraint) { message.constraint = constraint }
        ledger.open(request, at: worker, drafter: drafter, terms, ceiling: configuration.draft.nodes)
        send(.open(message), to: worker, now: now)
    }

    /// Which outcomes a worker drafts for, so that equal drafters on one sequence do not repeat each other.
    private func shard(of worker: LinkID, among workers: [LinkID]) -> OutcomeShard {
        let drafter = links[worker]?.worker?.drafter
        let equals = workers.filter { links[$0]?.worker?.drafter == drafter }
        let count = min(max(equals.count, 1), WireLimits.shards)
        return OutcomeShard(index: (equals.firstIndex(of: worker) ?? 0) % count, count: count)
    }
}
