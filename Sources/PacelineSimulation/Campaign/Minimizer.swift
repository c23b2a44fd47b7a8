import PacelineCluster
import PacelineSpeculation

/// Shrinks the schedule of a failing scenario to what the failure needs, by delta debugging (Zeller, Hildebrandt 2002):
/// faults, then clients, then workers are left out as long as the same promise breaks.
package struct Minimizer {
    package struct Result: Sendable {
        package fileprivate(set) var trial: Trial
        package fileprivate(set) var violation: Violation
        /// How many scenarios were run.
        package fileprivate(set) var runs = 0

        /// The faults that are left, in the order in which they strike.
        package var strikes: [(milliseconds: Int, kind: FaultKind)] {
            trial.scenario.strikes.sorted { $0.at < $1.at }.map { (Int($0.at.inMilliseconds), $0.kind) }
        }
    }

    /// Scenarios to run at most, unless somebody says otherwise.
    package static let runLimit = 2000

    private let limit: Int
    private let progress: (Int) -> Void
    private var result: Result

    private init(_ result: Result, limit: Int, progress: @escaping (Int) -> Void) {
        (self.result, self.limit, self.progress) = (result, limit, progress)
    }

    /// - Parameters:
    ///   - trial: one that breaks a promise.
    ///   - violation: that promise.
    ///   - limit: scenarios to run at most.
    ///   - progress: told how many were run.
    package static func minimize(
        _ trial: Trial,
        _ violation: Violation,
        limit: Int = runLimit,
        progress: @escaping (Int) -> Void = { _ in }
    ) throws -> Result {
        let start = Result(trial: trial, violation: violation)
        var minimizer = Minimizer(start, limit: limit, progress: progress)
        try minimizer.reduce(\.strikes)
        try minimizer.reduce(\.requests)
        try minimizer.reduce(\.workers)
        // Fewer requests may need fewer faults.
        try minimizer.reduce(\.strikes)
        try minimizer.drop { $0.byzantineWorkers = 0 }
        return minimizer.result
    }

    /// Leaves out elements, first large parts of the list and then ever smaller ones.
    private mutating func reduce<Element>(_ list: WritableKeyPath<Scenario, [Element]>) throws {
        var parts = 2
        while case let elements = result.trial.scenario[keyPath: list], !elements.isEmpty, result.runs < limit {
            parts = min(parts, elements.count)
            let size = (elements.count + parts - 1) / parts
            var hasShrunk = false
            for start in stride(from: 0, to: elements.count, by: size) where !hasShrunk {
                let rest = elements[..<start] + elements[min(start + size, elements.count)...]
                hasShrunk = try drop { $0[keyPath: list] = Array(rest) }
            }
            if hasShrunk {
                parts = max(2, parts - 1)
            } else if parts == elements.count {
                return
            } else {
                parts *= 2
            }
        }
    }

    /// Changes the scenario if the same promise still breaks.
    @discardableResult
    private mutating func drop(_ change: (inout Scenario) -> Void) throws -> Bool {
        guard result.runs < limit else { return false }
        var trial = result.trial
        change(&trial.scenario)
        result.runs += 1
        progress(result.runs)
        guard let violation = try trial.violation(), violation.promise == result.violation.promise else { return false }
        (result.trial, result.violation) = (trial, violation)
        return true
    }
}
