import PacelineCluster
import PacelineSpeculation

/// How one seed went.
package struct SeedOutcome: Sendable {
    package var seed: UInt64
    package var statistics: SimulationStatistics
    package var violation: Violation?
    /// Hash of everything that happened.
    package var trace: UInt64

    /// Simulates one seed, and whatever it is to be compared with.
    ///
    /// - Parameters:
    ///   - allowed: faults that may strike.
    ///   - isRepeated: run it twice and compare the traces.
    package static func run(
        seed: UInt64,
        allowed: Set<FaultKind>,
        isRepeated: Bool = false,
        log: ((String) -> Void)? = nil
    ) throws -> SeedOutcome {
        let scenario = try Scenario.swarm(seed: seed, allowed: allowed)
        let simulation = try Simulation(scenario, log: log)
        simulation.run()
        var outcome = SeedOutcome(
            seed: seed,
            statistics: simulation.statistics,
            violation: simulation.violation,
            trace: simulation.trace
        )
        guard outcome.violation == nil else { return outcome }
        if isRepeated { try outcome.repeatRun(of: scenario, at: simulation) }
        if scenario.isComparable { try outcome.compare(with: scenario.withoutWorkers(), at: simulation) }
        return outcome
    }

    private mutating func repeatRun(of scenario: Scenario, at first: Simulation) throws {
        let second = try Simulation(scenario)
        second.run()
        guard second.trace != first.trace else { return }
        violation = Violation(
            .determinism,
            at: first.now,
            "a second run of seed \(seed) went another way after \(second.now.nanoseconds / 1_000_000) ms"
        )
    }

    /// Workers, whatever befalls them, must not cost the requests time.
    private mutating func compare(with plain: Scenario, at drafted: Simulation) throws {
        let simulation = try Simulation(plain)
        simulation.run()
        statistics.comparedMilliseconds = statistics.busyMilliseconds
        statistics.plainMilliseconds = simulation.statistics.busyMilliseconds
        // What it takes to find out that a worker is worthless, which a long request does not notice.
        let allowance = 8 * plain.costs.milliseconds(rows: 1) + 100
        let limit = statistics.plainMilliseconds / 0.95 + allowance
        guard statistics.comparedMilliseconds > limit else { return }
        violation = Violation(
            .throughput,
            at: drafted.now,
            "requests took \(statistics.comparedMilliseconds) ms with workers, \(statistics.plainMilliseconds) without"
        )
    }
}

extension Scenario {
    /// Whether the same work is done with and without workers, so that times can be compared.
    var isComparable: Bool {
        !workers.isEmpty && faults.allSatisfy(\.concernsWorkersOnly)
    }

    /// The same requests at the same verifiers, decoded plainly.
    func withoutWorkers() -> Scenario {
        var plain = self
        plain.workers = []
        plain.byzantineWorkers = 0
        plain.strikes = []
        plain.faults = []
        return plain
    }
}
