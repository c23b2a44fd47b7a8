import PacelineSpeculation
import PacelineWire

extension VerifierMachine {
    /// Hands the compute thread its next pass if the scheduler says that one starts.
    mutating func startPassIfDue(now: Instant) {
        guard engineFault == nil, running.isEmpty || scheduler.isDue(now: now) else { return }
        guard let plan = scheduler.next(running.values.map(demand), now: now) else { return }
        statistics.passes += 1
        watchdog.began(now: now)
        let openings = plan.openings.compactMap { running[$0]?.opening }
        outbox.append(.run(Pass(closings: plan.closings, openings: openings, rounds: plan.rounds)))
        // In the classic protocol a worker does not draft below what is not decided yet.
        guard !configuration.waitsForWorkers else { return }
        for (request, tree) in zip(plan.trees.keys, plan.trees.values) where !tree.tree.isEmpty {
            announce(tree, of: request, now: now)
        }
    }

    /// A worker added to a sequence's tree.
    mutating func noteArrival(for request: RequestID, from worker: LinkID, now: Instant) {
        guard let sequence = running[request] else { return }
        let drafts = isProven(worker) ? provenDrafts(for: sequence) : nil
        scheduler.arrived(for: request, drafts: drafts, depth: sequence.verifiableDepth, now: now)
    }

    /// What workers that have been right before have drafted for a sequence.
    func provenDrafts(for sequence: VerifierSequence) -> MergedTree {
        merged(sequence.board, isIncluded: isProven)
    }

    private func demand(of sequence: VerifierSequence) -> PassScheduler.Demand {
        let isResting = scheduler.slowdownGuard.isResting
        return PassScheduler.Demand(
            request: sequence.request,
            prefillLeft: sequence.prefillLeft,
            depth: sequence.verifiableDepth,
            drafts: isResting || sequence.prefillLeft > 0 ? MergedTree(limits: treeLimits) : merged(sequence.board),
            isExhausted: sequence.board.isExhausted
        )
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
