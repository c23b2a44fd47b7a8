import PacelineCluster
import PacelineSpeculation

/// The result of one seed.
package struct SeedOutcome: Sendable {
    package var seed: UInt64
    package var statistics: SimulationStatistics
    package var violation: Violation?
    /// Hash of everything that happened.
    package var trace: UInt64

    /// Simulates one seed, and the runs that it is compared with.
    ///
    /// - Parameters:
    ///   - allowed: faults that may strike.
    ///   - gatewayShare: the share of seeds that also give a scenario with gateways.
    ///   - isRepeated: run it twice and compare the traces.
    package static func run(
        seed: UInt64,
        allowed: Set<FaultKind>,
        gatewayShare: Double = gatewayShare,
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
        if isRepeated { try outcome.repeatRun(of: simulation) }
        if scenario.isComparable { try outcome.compare(with: scenario.withoutWorkers(), at: simulation) }
        if allowed.contains(.lie), MockText.mix(seed &+ 1) % worthlessShare == 0 { try outcome.checkWorthless(seed) }
        if outcome.violation == nil, MockText.mix(seed &+ 2) % extremesShare == 0 {
            try outcome.add(.extremes(seed: seed, allowed: allowed), isRepeated: isRepeated, log: log)
        }
        if outcome.violation == nil, Double(MockText.mix(seed &+ 3) % 10_000) < gatewayShare * 10_000 {
            try outcome.add(.behindGateways(seed: seed, allowed: allowed), isRepeated: isRepeated, log: log)
        }
        return outcome
    }

    private mutating func repeatRun(of first: Simulation) throws {
        let second = try Simulation(first.scenario)
        second.run()
        guard second.trace != first.trace else { return }
        violation = Violation(
            .determinism,
            at: first.now,
            "a second run of seed \(seed) went another way after \(second.now.nanoseconds / 1_000_000) ms"
        )
    }

    /// One seed in this number is also run with drafters that are always wrong.
    private static let worthlessShare: UInt64 = 50
    /// One seed in this number also gives an extreme scenario.
    private static let extremesShare: UInt64 = 100
    /// The share of seeds that also give a scenario with gateways, unless somebody says otherwise.
    package static let gatewayShare = 0.1

    /// Runs another scenario of the seed. The trace stays that of its main scenario.
    private mutating func add(_ scenario: Scenario, isRepeated: Bool, log: ((String) -> Void)?) throws {
        let simulation = try Simulation(scenario, log: log)
        simulation.run()
        statistics += simulation.statistics
        violation = simulation.violation
        if isRepeated, violation == nil { try repeatRun(of: simulation) }
    }

    /// Workers whose tokens are all wrong must cost the requests hardly any time.
    private mutating func checkWorthless(_ seed: UInt64) throws {
        let speed = try Self.worthlessSpeed(seed: seed)
        if let broken = speed.violation { violation = broken }
        statistics.leastWorthlessSpeed = min(statistics.leastWorthlessSpeed ?? .infinity, speed.ratio)
        guard violation == nil, speed.ratio < 0.97 else { return }
        violation = Violation(
            .throughput,
            at: speed.end,
            "drafters that are always wrong let requests run at \(speed.ratio) of the speed of plain decoding"
        )
    }

    /// Throughput with drafters that are always wrong over throughput without.
    static func worthlessSpeed(seed: UInt64) throws -> (ratio: Double, violation: Violation?, end: Instant) {
        let scenario = try Scenario.worthless(seed: seed)
        let (drafted, plain) = (try Simulation(scenario), try Simulation(scenario.withoutWorkers()))
        drafted.run()
        plain.run()
        let ratio = plain.statistics.busyMilliseconds / max(drafted.statistics.busyMilliseconds, 1e-9)
        return (ratio, drafted.violation ?? plain.violation, drafted.now)
    }

    /// Workers must not cost the requests time, whatever happens to them.
    private mutating func compare(with plain: Scenario, at drafted: Simulation) throws {
        let simulation = try Simulation(plain)
        simulation.run()
        statistics.comparedMilliseconds = statistics.busyMilliseconds
        statistics.plainMilliseconds = simulation.statistics.busyMilliseconds
        // The time to find out that a worker is worthless, which matters for short requests only.
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
    /// Whether a run without workers does the same work, so that times can be compared.
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
