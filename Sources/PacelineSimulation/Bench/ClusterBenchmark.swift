import Dispatch
package import PacelineCluster
package import PacelineSpeculation
import PacelineWire
import Synchronization

/// Throughput of a simulated cluster against the number of its workers: where more drafting capacity stops paying off
/// because the verifier is saturated.
package struct ClusterBenchmark: Sendable {
    package typealias Mode = DraftingMode

    package struct Settings: Sendable {
        package var costs: CostCurve
        package var workers = [0, 1, 2, 4, 8, 16, 32, 64]
        package var sequences = [1, 4, 16, 64]
        /// How often a drafter's first choice is the target's.
        package var agreements = [0.5, 0.7, 0.9]
        /// In milliseconds.
        package var roundTrips = [1.0, 20, 80]
        package var modes = [Mode.asynchronous]
        /// Of one draft step, which expands up to four nodes.
        package var stepMilliseconds = 10.0
        /// Measured virtual time; half as long passes before, so that the cluster settles.
        package var seconds = 4.0
        package var seed: UInt64 = 1
        /// How often, spread over the measured time, the verifier is asked what one more worker would bring.
        package var forecasts = 0
        package var jobs = 1

        package init(costs: CostCurve) {
            self.costs = costs
        }
    }

    /// One cluster.
    package struct Point: Sendable, Hashable {
        package var mode: Mode
        package var agreement: Double
        package var roundTripMilliseconds: Double
        package var sequences: Int
        package var workers: Int
    }

    /// What one cluster reached.
    package struct Measurement: Sendable {
        package var point: Point
        package var tokensPerSecond: Double
        /// Tokens of one round of one sequence, corrections included.
        package var tokensPerRound: Double
        /// The share of rounds that had nothing to verify.
        package var emptyShare: Double
        /// The share of time in which a pass was running.
        package var busyShare: Double
        /// What the verifier expected of one more worker, in tokens a second; nil if it was not asked, or knew too
        /// little.
        package var marginalGain: Double?
    }

    private struct Progress {
        var next = 0
        var results: [(Int, Measurement)] = []
        var error: (any Error)?
    }

    private let settings: Settings

    package init(_ settings: Settings) {
        self.settings = settings
    }

    /// Every combination of the settings, workers varying fastest.
    package var points: [Point] {
        settings.modes.flatMap { mode in
            settings.sequences.flatMap { sequences in
                settings.roundTrips.flatMap { trip in
                    settings.agreements.flatMap { agreement in
                        settings.workers.map {
                            Point(
                                mode: mode,
                                agreement: agreement,
                                roundTripMilliseconds: trip,
                                sequences: sequences,
                                workers: $0
                            )
                        }
                    }
                }
            }
        }
    }

    /// Simulates all points.
    ///
    /// - Parameter progress: told the share that is done, on any thread.
    /// - Throws: ``Violation`` if a promise broke on the way.
    package func run(progress: @escaping @Sendable (Double) -> Void = { _ in }) throws -> [Measurement] {
        let points = points
        let state = Mutex(Progress())
        DispatchQueue.concurrentPerform(iterations: max(1, settings.jobs)) { _ in
            while let index = take(from: state, count: points.count) {
                let result = Result { try measure(points[index]) }
                let done = state.withLock { state in
                    switch result {
                    case .success(let result): state.results.append((index, result))
                    case .failure(let error): state.error = error
                    }
                    return state.results.count
                }
                progress(Double(done) / Double(points.count))
            }
        }
        let end = state.withLock { $0 }
        if let error = end.error { throw error }
        return end.results.sorted { $0.0 < $1.0 }.map(\.1)
    }

    private func take(from state: borrowing Mutex<Progress>, count: Int) -> Int? {
        state.withLock { state in
            guard state.error == nil, state.next < count else { return nil }
            defer { state.next += 1 }
            return state.next
        }
    }

    private func measure(_ point: Point) throws -> Measurement {
        let simulation = try Simulation(scenario(point))
        simulation.run(for: .seconds(settings.seconds / 2))
        let before = (simulation.statistics, simulation.snapshot(ofVerifier: 0))
        let start = simulation.lastTokensAt ?? simulation.now
        let gains = run(simulation)
        let after = (simulation.statistics, simulation.snapshot(ofVerifier: 0))
        if let violation = simulation.violation { throw violation }
        // From commit to commit, because one pass more or less counts for all its sequences.
        let seconds = ((simulation.lastTokensAt ?? simulation.now) - start).inMilliseconds / 1000
        let tokens = Double(after.0.tokens - before.0.tokens)
        let empty = Double(after.1.plainRounds - before.1.plainRounds)
        let rounds = empty + Double(after.1.speculation.drafts - before.1.speculation.drafts)
        return Measurement(
            point: point,
            tokensPerSecond: seconds > 0 ? tokens / seconds : 0,
            tokensPerRound: rounds > 0 ? tokens / rounds : 0,
            emptyShare: rounds > 0 ? empty / rounds : 0,
            busyShare: min(1, (after.0.passMilliseconds - before.0.passMilliseconds) / (settings.seconds * 1000)),
            marginalGain: gains.isEmpty ? nil : gains.reduce(0, +) / Double(gains.count)
        )
    }

    /// Runs for the measured time.
    ///
    /// - Returns: what the verifier expected of one more worker, each time that it was asked.
    private func run(_ simulation: Simulation) -> [Double] {
        let pieces = max(1, settings.forecasts)
        return (0..<pieces).compactMap { _ in
            simulation.run(for: .seconds(settings.seconds / Double(pieces)))
            guard settings.forecasts > 0 else { return nil }
            return MarginalGain.forecast(simulation.draftingObservation(ofVerifier: 0)).first?.tokensPerSecond
        }
    }

    private func scenario(_ point: Point) -> Scenario {
        var scenario = Scenario(seed: settings.seed, costs: settings.costs)
        scenario.faultWindow = .seconds(1_000_000)
        scenario.verifier.slots = point.sequences
        scenario.network.latency = .fromMilliseconds(point.roundTripMilliseconds / 2)
        scenario.network.jitter = scenario.network.latency * 0.1
        scenario.network.windowBytes = 1 << 20
        scenario.verifier.adopt(point.mode)
        if point.mode == .stopAndWait {
            scenario.verifier.maximumWait = .seconds(5)
            scenario.verifier.restsDrafting = false
            scenario.waitLimit = .seconds(6)
        }
        let passes = settings.seconds * 1500 / settings.costs.milliseconds(rows: 1)
        let limit = 64 + (Int(passes) + 1) * (scenario.verifier.draft.depth + 1)
        scenario.cacheCapacity = limit * (point.sequences + 1)
        for index in 0..<point.sequences {
            // One token, so that no time goes to prompts.
            let prompt = [Token(index % Int(MockText.alphabet))]
            scenario.requests.append(
                Scenario.Request(prompt: prompt, seed: settings.seed << 32 | UInt64(index), maximumTokens: limit)
            )
        }
        let worker = Scenario.Worker(
            drafter: .model(agreement: point.agreement),
            stepMilliseconds: settings.stepMilliseconds
        )
        scenario.workers = Array(repeating: worker, count: point.workers)
        return scenario
    }
}
