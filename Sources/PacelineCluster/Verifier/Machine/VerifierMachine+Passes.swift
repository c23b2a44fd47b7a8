import PacelineModel
import PacelineSpeculation
import PacelineWire

extension VerifierMachine {
    /// Hands the compute thread its next pass if the scheduler says that one starts.
    mutating func startPassIfDue(now: Instant) {
        guard service.hasEngine, running.isEmpty || scheduler.isDue(now: now) else { return }
        let demands = running.keys.compactMap { demand(of: $0) }
        guard let plan = scheduler.next(demands, now: now) else { return }
        statistics.countPass()
        links.watchdog.began(now: now)
        observeBeginning(of: demands, now: now)
        let openings = plan.openings.compactMap { running[$0].map(opening) }
        outbox.append(.run(Pass(closings: plan.closings, openings: openings, rounds: plan.rounds, taps: taps)))
        // In the classic protocol a worker does not draft below what is not decided yet.
        guard !configuration.waitsForWorkers else { return }
        for (request, tree) in zip(plan.trees.keys, plan.trees.values) where !tree.tree.isEmpty {
            announce(tree, of: request, now: now)
        }
    }

    /// Lets the observer see what a pass begins with, if somebody wants to.
    private mutating func observeBeginning(of demands: [PassScheduler.Demand], now: Instant) {
        guard observer.isActive else { return }
        let links = links
        observer.began(demands, drafter: { links[$0]?.worker?.drafter }, now: now)
    }

    /// What the engine needs to make room for a sequence.
    private func opening(of sequence: VerifierSequence) -> Pass.Opening {
        var opening = sequence.opening
        let owner = configuration.sharesPrefixesBetweenTenants ? nil : sequence.tenant.rawValue
        opening.scope = PrefixScope(owner: owner, salt: sequence.cacheSalt)
        if PlantedBug.tenantScopeIgnored.isPlanted { opening.scope = .common }
        return opening
    }

    /// A worker added to a sequence's tree.
    mutating func noteArrival(for request: RequestID, from worker: LinkID, now: Instant) {
        guard let depth = running.read(request, { $0.verifiableDepth }) else { return }
        observer.arrived(for: request, from: worker, now: now)
        let isProven = links.contains(worker) { $0.worker?.profile.isProven == true }
        let drafts = isProven ? valuableDrafts(for: request) : nil
        scheduler.arrived(for: request, drafts: drafts, depth: depth, now: now)
    }

    /// The drafts for a sequence, believed as far as each worker has earned it.
    mutating func drafts(for request: RequestID) -> MergedTree {
        let drafters = drafters(of: request)
        return running.update(request) { $0.drafts(of: drafters) } ?? MergedTree(limits: treeLimits)
    }

    /// The drafts for a sequence as far as it pays to wait for more of them: empty if none is worth a place in a pass.
    ///
    /// The fuller the batch, the more often that is so, and the more trees come in. Merging them would be for nothing.
    mutating func valuableDrafts(for request: RequestID) -> MergedTree {
        let (drafters, price) = (drafters(of: request), scheduler.marginalProbability)
        return running.update(request) { $0.drafts(of: drafters, ifAbove: price) } ?? MergedTree(limits: treeLimits)
    }

    /// A worker that rests takes up no row, whatever it sends: what it drafts is compared with verdicts all the same,
    /// so that it can prove itself.
    private func drafters(of request: RequestID) -> [(worker: LinkID, profile: WorkerProfile?)] {
        ledger.workers(of: request).map { worker in
            let profile = links[worker]?.worker?.profile
            let isResting = configuration.restsDrafting && profile?.performance.isResting ?? false
            return (worker: worker, profile: isResting ? nil : profile)
        }
    }

    private mutating func demand(of request: RequestID) -> PassScheduler.Demand? {
        guard let (left, depth) = running.read(request, { ($0.prefillLeft, $0.verifiableDepth) }) else { return nil }
        let isDrafting = left == 0 && !scheduler.slowdownGuard.isResting
        let isExhausted = ledger.workers(of: request).allSatisfy { worker in
            let credit = ledger.credit(of: worker, for: request)
            return running.read(request) { $0.isExhausted(worker, credit: credit) } ?? true
        }
        return PassScheduler.Demand(
            request: request,
            prefillLeft: left,
            depth: depth,
            drafts: isDrafting ? drafts(for: request) : MergedTree(limits: treeLimits),
            isExhausted: isExhausted
        )
    }

    /// Tells the workers of a sequence which nodes are being verified, so that they draft below them. Workers that have
    /// no credit need not know.
    private mutating func announce(_ tree: MergedTree, of request: RequestID, now: Instant) {
        guard let mark = running[request]?.mark else { return }
        let message = Message.Verifying(
            request: request.rawValue,
            epoch: mark.epoch,
            baseLength: mark.length,
            baseHash: mark.hash,
            nodes: tree.tree.map { Message.Verifying.Node(parent: $0.parent, token: $0.token) }
        )
        for worker in tree.workers where credit(of: worker) > 0 && !isOpening(request, at: worker) {
            guard links[worker]?.worker?.peer.capabilities.contains(.verifying) == true else { continue }
            send(.verifying(message), to: worker, now: now)
        }
    }
}
