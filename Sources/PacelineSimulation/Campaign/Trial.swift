import PacelineCluster
import PacelineSpeculation

/// A scenario and what is asked of it: a seed is a few of them, and a failure can be reduced to one.
package struct Trial: Sendable {
    package enum Question: String, Sendable {
        /// Whether all promises are kept while it runs.
        case promises
        /// Whether a second run goes the same way.
        case determinism
        /// Whether requests take hardly longer than without workers.
        case noHarm
        /// The same where every draft is wrong.
        case worthless
        /// Whether good drafts make requests faster.
        case helpful
        /// Whether poor workers on the verifier's machine take little of its time.
        case contended
    }

    /// The least speed with drafters that are always wrong, and with some that are nearly always right, over that of
    /// plain decoding.
    static let worthlessFloor = 0.97
    static let helpfulFloor = 1.5
    /// The same with poor workers on the verifier's own machine.
    static let contendedFloor = 0.9

    package var scenario: Scenario
    package var question: Question

    package init(_ scenario: Scenario, _ question: Question = .promises) {
        (self.scenario, self.question) = (scenario, question)
    }

    /// Runs the scenario, and those that it is compared with.
    package func violation(log: SimulationLog? = nil) throws -> Violation? {
        let simulation = try Simulation(scenario, log: log)
        simulation.run()
        return try simulation.violation ?? verdict(on: simulation)
    }

    /// Judges a run that has kept its promises.
    func verdict(on simulation: Simulation) throws -> Violation? {
        switch question {
        case .promises: nil
        case .determinism: try determinismViolation(simulation)
        case .noHarm, .worthless, .helpful, .contended: try comparison(of: simulation).violation
        }
    }

    private func determinismViolation(_ first: Simulation) throws -> Violation? {
        let second = try Simulation(scenario)
        second.run()
        guard second.trace != first.trace else { return nil }
        let detail = "a second run went another way after \(second.now.nanoseconds / 1_000_000) ms"
        return Violation(.determinism, at: first.now, detail)
    }

    /// Compares a run with one without workers.
    func comparison(of drafted: Simulation) throws -> Comparison {
        let plain = try Simulation(scenario.withoutWorkers())
        plain.run()
        var comparison = Comparison(
            drafted: drafted.statistics.busyMilliseconds,
            plain: plain.statistics.busyMilliseconds
        )
        let fault = plain.violation ?? complaint(about: comparison).map { Violation(.throughput, at: drafted.now, $0) }
        comparison.violation = fault
        return comparison
    }

    private func complaint(about comparison: Comparison) -> String? {
        let ratio = comparison.ratio
        switch question {
        case .worthless where ratio < Self.worthlessFloor:
            return "drafters that are always wrong let requests run at \(ratio) of the speed of plain decoding"
        case .helpful where ratio < Self.helpfulFloor:
            return "good drafters let requests run at only \(ratio) of the speed of plain decoding"
        case .contended where ratio < Self.contendedFloor:
            return "poor drafters on the verifier's machine let requests run at \(ratio) of the speed of plain decoding"
        case .noHarm:
            // The time to find out that a worker is worthless, which matters for short requests only.
            let allowance = 8 * scenario.costs.milliseconds(rows: 1) + 100
            guard comparison.drafted > comparison.plain / 0.95 + allowance else { return nil }
            return "requests took \(comparison.drafted) ms with workers, \(comparison.plain) without"
        default: return nil
        }
    }

    /// How long the same requests ran with workers and without, in milliseconds.
    struct Comparison {
        var drafted: Double
        var plain: Double
        var violation: Violation?

        /// Throughput with workers over throughput without.
        var ratio: Double { plain / max(drafted, 1e-9) }
    }
}

extension Scenario {
    /// Whether a run without workers does the same work, so that times can be compared.
    var isComparable: Bool {
        let guardsSpeed = verifier.restsDrafting && !verifier.waitsForWorkers
        return !workers.isEmpty && guardsSpeed && faults.allSatisfy(\.concernsWorkersOnly)
    }

    /// The same requests at the same verifiers, decoded plainly.
    func withoutWorkers() -> Scenario {
        var plain = self
        plain.workers = []
        plain.byzantineWorkers = 0
        plain.strikes = []
        plain.faults = []
        plain.contention = 0
        return plain
    }
}
