import Dispatch
import Synchronization

// Of what it declares, only the bug to plant is of that module.
#if DEBUG
    package import PacelineSpeculation
#else
    import PacelineSpeculation
#endif

/// Simulates many seeds on several threads.
///
/// The report depends on the seeds and the settings, not on the threads: seeds are added up in their order, and those
/// behind the first that fails are left out.
package final class Campaign: Sendable {
    package struct Settings: Sendable {
        package var seeds: ClosedRange<UInt64>
        package var jobs: Int
        package var allowed = Set(FaultKind.allCases)
        /// The share of seeds that are run twice.
        package var determinismShare = 0.05
        /// The share of seeds that also give a scenario with gateways.
        package var gatewayShare = SeedOutcome.gatewayShare
        #if DEBUG
            /// A bug that all seeds run with.
            package var plantedBug: PlantedBug?
        #endif

        package init(seeds: ClosedRange<UInt64>, jobs: Int) {
            self.seeds = seeds
            self.jobs = jobs
        }

        /// Runs a seed again, as the campaign does.
        package func outcome(of seed: UInt64, log: SimulationLog? = nil) throws -> SeedOutcome {
            try planted {
                try SeedOutcome.run(
                    seed: seed,
                    allowed: allowed,
                    gatewayShare: gatewayShare,
                    isRepeated: isRepeated(seed),
                    log: log
                )
            }
        }

        /// Does something with the bug that is asked for.
        package func planted<Result>(_ work: () throws -> Result) rethrows -> Result {
            #if DEBUG
                try PlantedBug.plant(plantedBug, in: work)
            #else
                try work()
            #endif
        }

        func isRepeated(_ seed: UInt64) -> Bool {
            Double(MockText.mix(seed) % 10_000) < determinismShare * 10_000
        }
    }

    private struct State {
        /// The next seed to run; nil if none is left.
        var next: UInt64?
        /// The next seed to add up.
        var due: UInt64
        /// Seeds that were run before one with a smaller number had ended.
        var early: [UInt64: Result<SeedOutcome, any Error>] = [:]
        var report = CampaignReport()
        var error: (any Error)?
        /// Seeds that have ended, in any order.
        var done = 0

        var isOver: Bool { report.failure != nil || error != nil }
    }

    private let settings: Settings
    private let state: Mutex<State>
    private let progress: @Sendable (Int) -> Void

    /// - Parameter progress: told how many seeds are done, on any thread.
    package init(_ settings: Settings, progress: @escaping @Sendable (Int) -> Void = { _ in }) {
        self.settings = settings
        self.progress = progress
        state = Mutex(State(next: settings.seeds.lowerBound, due: settings.seeds.lowerBound))
    }

    /// Runs all seeds, or until one fails.
    ///
    /// - Throws: an error only if a scenario is impossible.
    package func run() throws -> CampaignReport {
        DispatchQueue.concurrentPerform(iterations: max(1, settings.jobs)) { _ in work() }
        let end = state.withLock { $0 }
        if let error = end.error { throw error }
        return end.report
    }

    private func work() {
        while let seed = takeSeed() {
            let result = Result { try settings.outcome(of: seed) }
            progress(add(result, of: seed))
        }
    }

    /// The next seed; nil if none is left, or if a smaller one has failed.
    private func takeSeed() -> UInt64? {
        state.withLock { state in
            guard let seed = state.next, !state.isOver else { return nil }
            state.next = seed < settings.seeds.upperBound ? seed + 1 : nil
            return seed
        }
    }

    /// - Returns: how many seeds have ended.
    private func add(_ result: Result<SeedOutcome, any Error>, of seed: UInt64) -> Int {
        state.withLock { state in
            state.done += 1
            state.early[seed] = result
            while !state.isOver, let next = state.early.removeValue(forKey: state.due) {
                switch next {
                case .success(let outcome): state.report.add(outcome, isRepeated: settings.isRepeated(state.due))
                case .failure(let error): state.error = error
                }
                state.due &+= 1
            }
            return state.done
        }
    }
}

/// The result of a campaign.
package struct CampaignReport: Sendable {
    /// How many were run, up to the first that failed.
    package private(set) var seeds = 0
    package private(set) var statistics = SimulationStatistics()
    /// Seeds that were run twice, with the same trace.
    package private(set) var repeated = 0
    /// The smallest seed that broke a promise.
    package private(set) var failure: SeedOutcome?
    /// A hash over the traces of all seeds: equal for equal seeds, settings and builds.
    package private(set) var trace: UInt64 = 0

    /// Throughput with workers over throughput without, where only workers suffered faults; nil if none was compared.
    package var speedUp: Double? {
        let compared = statistics.comparedMilliseconds
        return compared > 0 ? statistics.plainMilliseconds / compared : nil
    }

    fileprivate mutating func add(_ outcome: SeedOutcome, isRepeated: Bool) {
        seeds += 1
        statistics += outcome.statistics
        trace &+= outcome.trace
        if outcome.violation != nil { failure = outcome } else if isRepeated { repeated += 1 }
    }
}
