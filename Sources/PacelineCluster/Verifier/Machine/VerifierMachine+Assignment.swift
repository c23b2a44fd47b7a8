import PacelineSpeculation
import PacelineWire

extension VerifierMachine {
    /// Spreads workers over sequences after one of either came or went.
    mutating func rebalance(now: Instant) {
        let moves = Assignment.moves(
            workers: assignableWorkers,
            sequences: running.values.map { Assignment.Request(request: $0.request, length: $0.length) },
            workersPerSequence: min(configuration.workersPerSequence, TreeBoard.workerLimit)
        )
        isBalanceOutdated = false
        for move in moves {
            switch move {
            case .open(let request, let worker): open(request, at: worker, now: now)
            case .close(let request, let worker):
                _ = running.update(request) { $0.board.remove(worker) }
                close(request, at: worker, .reassigned, now: now)
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
        _ = links.update(worker) { link in
            link.worker?.requests.removeAll { $0 == request }
            link.worker?.refused.remove(request)
        }
        send(.close(Message.Close(request: request.rawValue, reason: reason)), to: worker, now: now)
    }

    private var assignableWorkers: [Assignment.Worker] {
        zip(links.keys, links.values).compactMap { id, link in
            guard let worker = link.worker else { return nil }
            return Assignment.Worker(
                id: id,
                slots: worker.peer.slots,
                requests: worker.requests,
                refused: worker.refused,
                isDraining: worker.isDraining,
                contextLength: worker.peer.baseLimit,
                isResting: configuration.restsDrafting && worker.profile.workerYield.isResting,
                merit: worker.profile.workerYield.tokensPerVerdict
            )
        }
    }

    /// Gives a worker all it needs to draft for a request from nothing.
    private mutating func open(_ request: RequestID, at worker: LinkID, now: Instant) {
        guard let sequence = running[request], let drafter = links[worker]?.worker?.drafter else { return }
        let credit = credit(of: worker)
        let limits = draftLimits(of: worker)
        let shard = shard(of: worker, among: sequence.board.workers + [worker])
        let message = Message.Open(
            request: request.rawValue,
            epoch: sequence.mark.epoch,
            base: sequence.base,
            baseHash: sequence.mark.hash,
            sampling: sequence.sampling,
            credit: credit,
            limits: limits,
            shard: shard,
            lengthLimit: sequence.lengthLimit
        )
        let ceiling = configuration.draft.nodes
        _ = running.update(request) { sequence in
            sequence.board.add(worker, credit: credit, ceiling: ceiling, limits: limits, shard: shard)
            sequence.assigned(worker, drafter: drafter)
        }
        _ = links.update(worker) { $0.worker?.requests.append(request) }
        send(.open(message), to: worker, now: now)
    }

    /// Which outcomes a worker drafts for, so that equal drafters on one sequence do not repeat each other.
    func shard(of worker: LinkID, among workers: [LinkID]) -> OutcomeShard {
        let drafter = links[worker]?.worker?.drafter
        let equals = workers.filter { links[$0]?.worker?.drafter == drafter }
        let count = min(max(equals.count, 1), WireLimits.shards)
        return OutcomeShard(index: (equals.firstIndex(of: worker) ?? 0) % count, count: count)
    }
}
