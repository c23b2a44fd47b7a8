import PacelineCluster
import PacelineSpeculation
import PacelineWire

extension Scenario {
    /// Adds a random subset of the kinds that the swarm did not have at first.
    mutating func drawWidened(_ allowed: Set<FaultKind>) {
        var random = SplitMix(seed: MockText.mix(seed ^ 0x5749_4445))
        drawKinds(FaultKind.widened, allowed, &random)
        if faults.contains(.versionSkew) { drawVersions(&random) }
        if faults.contains(.wrongModel) { addForeigner(&random) }
        var latest = SplitMix(seed: MockText.mix(seed ^ 0x4c41_5445))
        drawKinds(FaultKind.latest, allowed, &latest)
        // Where workers rest, hostile ones mostly do, and what they may send is not looked at.
        verifier.restsDrafting = latest.next(below: 4) > 0
        // Trees for the present base mostly come in time only where passes wait for them.
        verifier.waitsForWorkers = latest.next(below: 8) == 0
    }

    private mutating func drawKinds(_ kinds: [FaultKind], _ allowed: Set<FaultKind>, _ random: inout SplitMix) {
        let share = random.pick([0, 0.1, 0.25, 0.5])
        let window = Int(faultWindow.inMilliseconds)
        for kind in kinds {
            let isDrawn = random.nextUnit() < share
            let count = 1 + random.next(below: random.pick([1, 3, 8]))
            let times = (0..<count).map { _ in Duration.milliseconds(random.next(below: window)) }
            guard isDrawn, allowed.contains(kind) else { continue }
            faults.insert(kind)
            if kind.isScheduled { strikes += times.map { Strike(kind: kind, at: $0) } }
        }
    }

    /// Processes of the version before this one, which a restart replaces: a rolling upgrade, or its withdrawal.
    mutating func drawVersions(_ random: inout SplitMix) {
        let (old, all) = (WireLimits.protocolVersions.lowerBound, WireLimits.protocolVersions)
        verifierVersions = random.pick([[old...old], [old...old, all], [all, old...old]])
        for index in workers.indices { workers[index].versions = random.pick([old...old, all]) }
    }

    /// A worker whose tokens mean something else than the target's.
    mutating func addForeigner(_ random: inout SplitMix) {
        var worker = Worker(drafter: .model(agreement: 0.9), stepMilliseconds: 1)
        worker.isForeign = true
        worker.start = .milliseconds(random.next(below: 300))
        workers.append(worker)
    }
}
