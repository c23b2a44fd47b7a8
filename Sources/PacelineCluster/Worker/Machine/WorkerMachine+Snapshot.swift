import PacelineWire

extension WorkerMachine {
    /// The worker in numbers.
    package func snapshot(now: Instant) -> WorkerSnapshot {
        var snapshot = WorkerSnapshot(drafter: configuration.drafter)
        snapshot.verifiers = zip(contacts.keys, contacts.values).map { endpoint, contact in
            WorkerSnapshot.Verifier(endpoint: endpoint, state: contact.state)
        }
        snapshot.connectedVerifiers = links.values.count { $0.incarnation != nil }
        snapshot.slots = configuration.slots
        snapshot.sequences = sessions.count
        for session in sessions.values {
            if let reason = session.rest { snapshot.resting[reason, default: 0] += 1 }
        }
        snapshot.tally = tally
        snapshot.nodesPerSecond = tally.nodesPerSecond(now: now)
        snapshot.isDraining = phase != .running
        return snapshot
    }

    /// Whether the compute thread has nothing to draft, or has advanced within the configuration's
    /// ``WorkerConfiguration/hangLimit``.
    package func isComputeAlive(now: Instant) -> Bool {
        links.watchdog.isAlive(now: now, limit: configuration.hangLimit)
    }
}

extension VerifierContact {
    fileprivate var state: WorkerSnapshot.Verifier.State {
        switch reconnection.state {
        case .established: .connected
        case .refused(let fault): .refusing(fault)
        case .standingBy: .sameAsAnother
        case .waiting, .connecting: .connecting(after: fault)
        }
    }
}
