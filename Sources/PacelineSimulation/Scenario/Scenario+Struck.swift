import PacelineCluster
import PacelineSpeculation
import PacelineWire

extension Scenario {
    /// A small cluster of one verifier that certain kinds of faults strike for sure, several times each.
    ///
    /// - Parameter kinds: faults of the swarm.
    static func struck(seed: UInt64, by kinds: [FaultKind]) throws -> Scenario {
        var random = SplitMix(seed: MockText.mix(seed ^ 0x4149_4d45))
        var scenario = try swarm(seed: random.next(), allowed: [])
        scenario.faults = Set(kinds)
        scenario.verifiers = 1
        scenario.drawLimits(&random)
        scenario.drawNetwork(&random)
        if kinds.contains(.overload) { scenario.verifier.slots = 1 }
        while scenario.workers.count < 3 { scenario.workers.append(scenario.worker(&random)) }
        let count = kinds.contains(.overload) ? 8 : 4
        for index in scenario.requests.count..<max(count, scenario.requests.count) {
            scenario.requests.append(scenario.request(index, &random))
        }
        for index in scenario.requests.indices {
            scenario.requests[index].maximumTokens = max(20, scenario.requests[index].maximumTokens)
            if kinds.contains(.cancel) { scenario.requests[index].cancel = .milliseconds(random.next(below: 400)) }
            if kinds.contains(.slowClient) { scenario.requests[index].readLimit = random.next(below: 10) }
        }
        scenario.drawProtocol()
        scenario.drawWishes()
        scenario.byzantineWorkers = kinds.contains(.byzantine) ? 2 : 0
        if kinds.contains(.wrongModel) { scenario.addForeigner(&random) }
        if kinds.contains(.versionSkew) { scenario.drawVersions(&random) }
        scenario.strike(kinds, &random)
        return scenario
    }

    /// As ``struck(seed:by:)``, with requests that last, so that long silences can be seen.
    static func lasting(seed: UInt64, by kinds: [FaultKind]) throws -> Scenario {
        var random = SplitMix(seed: MockText.mix(seed ^ 0x4c41_5354))
        var scenario = Scenario(seed: seed, costs: try .linear(base: 40, perRow: 0.4))
        scenario.verifier.draft = DraftLimits(nodes: 16, depth: 6, width: 2)
        scenario.faults = Set(kinds)
        for _ in 0..<3 {
            var worker = Worker(drafter: .model(agreement: 0.8), stepMilliseconds: 3)
            worker.start = .milliseconds(random.next(below: 20))
            scenario.workers.append(worker)
        }
        for index in 0..<2 {
            scenario.requests.append(
                Request(prompt: [Token(index)], seed: random.next() & ~0xff | UInt64(index), maximumTokens: 400)
            )
        }
        scenario.faultWindow = .seconds(6)
        for kind in kinds {
            scenario.strikes += (0..<4).map { _ in
                Strike(kind: kind, at: .milliseconds(200 + random.next(below: 3500)))
            }
        }
        return scenario
    }

    private mutating func strike(_ kinds: [FaultKind], _ random: inout SplitMix) {
        faultWindow = .milliseconds(1500)
        for kind in kinds where kind.isScheduled {
            strikes += (0..<5).map { _ in Strike(kind: kind, at: .milliseconds(random.next(below: 900))) }
        }
    }
}
