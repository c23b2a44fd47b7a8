import PacelineCluster
import PacelineSpeculation

/// The result of one seed.
package struct SeedOutcome: Sendable {
    package let seed: UInt64
    package private(set) var statistics = SimulationStatistics()
    package private(set) var violation: Violation?
    /// What broke the promise; nil if none is broken.
    package private(set) var failure: Trial?
    /// Hash of everything that happened in the main scenario.
    package private(set) var trace: UInt64 = 0

    /// One seed in this number is also run with drafters that are always wrong, and one with good ones.
    private static let worthlessShare: UInt64 = 50
    private static let helpfulShare: UInt64 = 50
    /// One seed in this number also gives an extreme scenario.
    private static let extremesShare: UInt64 = 100
    /// The share of seeds that also give a scenario with gateways, unless somebody says otherwise.
    package static let gatewayShare = 0.1

    private init(seed: UInt64) {
        self.seed = seed
    }

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
        log: SimulationLog? = nil
    ) throws -> SeedOutcome {
        var outcome = SeedOutcome(seed: seed)
        let scenario = try Scenario.swarm(seed: seed, allowed: allowed)
        guard let main = try outcome.add(scenario, isRepeated: isRepeated, log: log) else { return outcome }
        outcome.trace = main.trace
        if scenario.isComparable { try outcome.compare(main) }
        if allowed.contains(.lie) { try outcome.ask(.worthless, of: .worthless(seed: seed), worthlessShare, 1) }
        try outcome.ask(.helpful, of: .helpful(seed: seed), helpfulShare, 4)
        if outcome.violation == nil, MockText.mix(seed &+ 2) % extremesShare == 0 {
            try outcome.add(.extremes(seed: seed, allowed: allowed), isRepeated: isRepeated, log: log)
        }
        if outcome.violation == nil, Double(MockText.mix(seed &+ 3) % 10_000) < gatewayShare * 10_000 {
            try outcome.add(.behindGateways(seed: seed, allowed: allowed), isRepeated: isRepeated, log: log)
        }
        return outcome
    }

    /// Runs a scenario of the seed.
    ///
    /// - Returns: the run; nil if it breaks a promise.
    @discardableResult
    private mutating func add(_ scenario: Scenario, isRepeated: Bool, log: SimulationLog?) throws -> Simulation? {
        let simulation = try Simulation(scenario, log: log)
        simulation.run()
        statistics += simulation.statistics
        take(simulation.violation, of: Trial(scenario))
        guard violation == nil else {
            trace = simulation.trace
            return nil
        }
        if isRepeated {
            let trial = Trial(scenario, .determinism)
            take(try trial.verdict(on: simulation), of: trial)
        }
        return simulation
    }

    private mutating func take(_ violation: Violation?, of trial: Trial) {
        guard self.violation == nil, let violation else { return }
        (self.violation, failure) = (violation, trial)
    }

    /// Workers must not cost the requests time, whatever happens to them.
    private mutating func compare(_ simulation: Simulation) throws {
        guard violation == nil else { return }
        let trial = Trial(simulation.scenario, .noHarm)
        let comparison = try trial.comparison(of: simulation)
        (statistics.comparedMilliseconds, statistics.plainMilliseconds) = (comparison.drafted, comparison.plain)
        take(comparison.violation, of: trial)
    }

    /// Compares speeds in one seed in `share`.
    private mutating func ask(
        _ question: Trial.Question,
        of scenario: @autoclosure () throws -> Scenario,
        _ share: UInt64,
        _ stream: UInt64
    ) throws {
        guard violation == nil, MockText.mix(seed &+ stream) % share == 0 else { return }
        let trial = Trial(try scenario(), question)
        let (violation, ratio) = try Self.speed(of: trial)
        take(violation, of: trial)
        if question == .worthless {
            statistics.leastWorthlessSpeed = ratio
        } else {
            statistics.leastHelpfulSpeed = ratio
        }
    }

    /// Throughput with a scenario's drafters over throughput without.
    static func speed(of trial: Trial) throws -> (violation: Violation?, ratio: Double) {
        let simulation = try Simulation(trial.scenario)
        simulation.run()
        let comparison = try trial.comparison(of: simulation)
        return (simulation.violation ?? comparison.violation, comparison.ratio)
    }
}
