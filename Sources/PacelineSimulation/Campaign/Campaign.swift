import Dispatch
import Synchronization

/// Simulates many seeds on several threads.
///
/// The result depends on the seeds and the settings, not on the threads: the reported failure is that of the smallest
/// seed that fails.
package final class Campaign: Sendable {
    package struct Settings: Sendable {
        package var seeds: ClosedRange<UInt64>
        package var jobs: Int
        package var allowed = Set(FaultKind.allCases)
        /// The share of seeds that are run twice.
        package var determinismShare = 0.05
        /// The share of seeds that also give a scenario with gateways.
        package var gatewayShare = SeedOutcome.gatewayShare

        package init(seeds: ClosedRange<UInt64>, jobs: Int) {
            self.seeds = seeds
            self.jobs = jobs
        }
    }

    private struct State {
        var next: UInt64?
        var done = 0
        var statistics = SimulationStatistics()
        var repeated = 0
        var failure: SeedOutcome?
        var error: (any Error)?
        /// Combines the traces of all seeds, in any order.
        var trace: UInt64 = 0
    }

    private let settings: Settings
    private let state: Mutex<State>
    private let progress: @Sendable (Int) -> Void

    /// - Parameter progress: told how many seeds are done, on any thread.
    package init(_ settings: Settings, progress: @escaping @Sendable (Int) -> Void = { _ in }) {
        self.settings = settings
        self.progress = progress
        state = Mutex(State(next: settings.seeds.lowerBound))
    }

    /// Runs all seeds, or until one fails.
    ///
    /// - Throws: an error only if a scenario is impossible.
    package func run() throws -> CampaignReport {
        DispatchQueue.concurrentPerform(iterations: max(1, settings.jobs)) { _ in work() }
        let end = state.withLock { $0 }
        if let error = end.error { throw error }
        return CampaignReport(
            seeds: end.done,
            statistics: end.statistics,
            repeated: end.repeated,
            failure: end.failure,
            trace: end.trace
        )
    }

    private func work() {
        while let seed = takeSeed() {
            let isRepeated = Double(MockText.mix(seed) % 10_000) < settings.determinismShare * 10_000
            let result = Result {
                try SeedOutcome.run(
                    seed: seed,
                    allowed: settings.allowed,
                    gatewayShare: settings.gatewayShare,
                    isRepeated: isRepeated
                )
            }
            progress(add(result, isRepeated: isRepeated))
        }
    }

    /// The next seed; nil if none is left, or if a smaller one has failed.
    private func takeSeed() -> UInt64? {
        state.withLock { state in
            guard let seed = state.next, state.failure == nil, state.error == nil else { return nil }
            state.next = seed < settings.seeds.upperBound ? seed + 1 : nil
            return seed
        }
    }

    private func add(_ result: Result<SeedOutcome, any Error>, isRepeated: Bool) -> Int {
        state.withLock { state in
            state.done += 1
            switch result {
            case .success(let outcome):
                state.statistics += outcome.statistics
                state.trace &+= outcome.trace
                if isRepeated { state.repeated += 1 }
                if outcome.violation != nil, outcome.seed < state.failure?.seed ?? .max { state.failure = outcome }
            case .failure(let error): state.error = error
            }
            return state.done
        }
    }
}

/// The result of a campaign.
package struct CampaignReport: Sendable {
    /// How many were run.
    package var seeds: Int
    package var statistics: SimulationStatistics
    /// Seeds that were run twice, with the same trace.
    package var repeated: Int
    /// The smallest seed that broke a promise.
    package var failure: SeedOutcome?
    /// A hash over the traces of all seeds: equal for equal seeds, settings and builds.
    package var trace: UInt64

    /// Throughput with workers over throughput without, where only workers suffered faults; nil if none was compared.
    package var speedUp: Double? {
        let compared = statistics.comparedMilliseconds
        return compared > 0 ? statistics.plainMilliseconds / compared : nil
    }
}
