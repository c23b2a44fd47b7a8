import PacelineCluster
package import PacelineSpeculation
import PacelineWire

/// Many verifiers and workers in virtual time: how throughput, traffic and the work of deciding grow with a fleet.
///
/// A gateway's machine places the sequences, as ``FleetPlacement`` has it. Each worker drafts for some of the
/// verifiers, its own share of each. The machines, the planner and the byte codec are those of production; models are
/// mocks with a cost curve.
package struct FleetBenchmark {
    /// A cluster by the numbers of its parts.
    package struct Fleet: Sendable, Hashable {
        package var verifiers: Int
        package var workers: Int
        /// Of all verifiers together.
        package var sequences: Int

        package init(verifiers: Int, workers: Int, sequences: Int) {
            self.verifiers = verifiers
            self.workers = workers
            self.sequences = sequences
        }
    }

    package struct Settings {
        package var costs: CostCurve
        package var fleets: [Fleet]
        /// Verifiers that a worker drafts for; nil for all.
        package var verifiersPerWorker: Int? = 1
        /// How often a drafter's first choice is the target's.
        package var agreement = 0.7
        package var roundTripMilliseconds = 1.0
        /// Of one draft step.
        package var stepMilliseconds = 10.0
        /// Measured virtual time; as long passes before, so that the fleet settles.
        package var seconds = 2.0
        package var seed: UInt64 = 1
        /// Nanoseconds that this thread has computed for.
        package var clock: () -> UInt64
        /// Bytes that the process has allocated.
        package var heapBytes: () -> Int

        package init(
            costs: CostCurve,
            fleets: [Fleet],
            clock: @escaping () -> UInt64,
            heapBytes: @escaping () -> Int
        ) {
            self.costs = costs
            self.fleets = fleets
            self.clock = clock
            self.heapBytes = heapBytes
        }
    }

    /// What one fleet reached.
    package struct Measurement: Sendable {
        package var fleet: Fleet
        package var tokensPerSecond: Double
        /// The share of time in which a pass was running, over all verifiers.
        package var busyShare: Double
        /// The share of drafted nodes that no verdict accepted.
        package var uselessShare: Double
        /// Bytes on all draft links, both ways, for each accepted node.
        package var linkBytesPerAcceptedToken: Double
        /// Workers that are connected to the first verifier.
        package var linksOfVerifier: Int
        /// Milliseconds that a verifier's machine computes for each pass, on this computer.
        package var decidingMilliseconds: Double
        /// Virtual milliseconds of a pass.
        package var passMilliseconds: Double
        /// Bytes of the first verifier's machine: links, trees, sequences and all that it has learnt.
        package var machineBytes: Int

        /// What deciding would add to a pass on a computer as fast as this one.
        package var decidingShare: Double { passMilliseconds > 0 ? decidingMilliseconds / passMilliseconds : 0 }
    }

    private let settings: Settings

    package init(_ settings: Settings) {
        self.settings = settings
    }

    /// Simulates all fleets, one after the other, since real time and memory are measured.
    ///
    /// - Parameter progress: told the share that is done.
    /// - Throws: ``Violation`` if a promise broke on the way.
    package func run(progress: (Double) -> Void = { _ in }) throws -> [Measurement] {
        var results: [Measurement] = []
        for fleet in settings.fleets {
            results.append(try measure(fleet))
            progress(Double(results.count) / Double(settings.fleets.count))
        }
        return results
    }

    /// The sum of all verifiers' figures at one moment.
    private struct Totals {
        var statistics: SimulationStatistics
        var passes = 0
        var drafted = 0
        var accepted = 0
        var decidingNanoseconds: UInt64
    }

    private func measure(_ fleet: Fleet) throws -> Measurement {
        let meter = MachineMeter(clock: settings.clock)
        let simulation = try Simulation(scenario(fleet), meter: meter)
        simulation.run(for: .seconds(settings.seconds))
        let before = totals(of: simulation, fleet, meter)
        simulation.run(for: .seconds(settings.seconds))
        let after = totals(of: simulation, fleet, meter)
        if let violation = simulation.violation { throw violation }
        let links = simulation.snapshot(ofVerifier: 0).workers.count(where: \.isConnected)
        let accepted = Double(after.accepted - before.accepted)
        let drafted = Double(after.drafted - before.drafted)
        let passes = Double(max(1, after.passes - before.passes))
        let busy = after.statistics.passMilliseconds - before.statistics.passMilliseconds
        return Measurement(
            fleet: fleet,
            tokensPerSecond: Double(after.statistics.tokens - before.statistics.tokens) / settings.seconds,
            busyShare: min(1, busy / (settings.seconds * 1000 * Double(fleet.verifiers))),
            uselessShare: drafted > 0 ? 1 - accepted / drafted : 0,
            linkBytesPerAcceptedToken: accepted > 0
                ? Double(after.statistics.linkBytes - before.statistics.linkBytes) / accepted : 0,
            linksOfVerifier: links,
            decidingMilliseconds: Double(after.decidingNanoseconds - before.decidingNanoseconds) / 1e6 / passes,
            passMilliseconds: busy / passes,
            machineBytes: machineBytes(of: simulation)
        )
    }

    private func totals(of simulation: Simulation, _ fleet: Fleet, _ meter: MachineMeter) -> Totals {
        var totals = Totals(statistics: simulation.statistics, decidingNanoseconds: meter.nanoseconds)
        for index in 0..<fleet.verifiers {
            let snapshot = simulation.snapshot(ofVerifier: index)
            totals.passes += snapshot.passes
            totals.drafted += snapshot.drafters.reduce(0) { $0 + $1.draftTokens }
            totals.accepted += snapshot.drafters.reduce(0) { $0 + $1.acceptedTokens }
        }
        return totals
    }

    private func machineBytes(of simulation: Simulation) -> Int {
        let before = settings.heapBytes()
        simulation.dismantle(verifier: 0)
        return max(0, before - settings.heapBytes())
    }

    /// What is simulated for a fleet.
    func scenario(_ fleet: Fleet) -> Scenario {
        var scenario = Scenario(seed: settings.seed, costs: settings.costs)
        scenario.faultWindow = .seconds(1_000_000)
        scenario.verifiers = fleet.verifiers
        let share = (fleet.sequences + fleet.verifiers - 1) / fleet.verifiers
        scenario.verifier.slots = max(1, share)
        let known = min(settings.verifiersPerWorker ?? fleet.verifiers, fleet.verifiers)
        let links = (fleet.workers * known + fleet.verifiers - 1) / fleet.verifiers
        scenario.verifier.workerLimit = max(scenario.verifier.workerLimit, links)
        scenario.verifier.pendingLimit = max(scenario.verifier.pendingLimit, links)
        scenario.network.latency = .fromMilliseconds(settings.roundTripMilliseconds / 2)
        scenario.network.jitter = scenario.network.latency * 0.1
        scenario.network.windowBytes = 1 << 20
        let passes = settings.seconds * 2000 / settings.costs.milliseconds(rows: 1)
        let limit = 64 + (Int(min(passes, 1e6)) + 1) * (scenario.verifier.draft.depth + 1)
        scenario.cacheCapacity = limit * (share + 1)
        for index in 0..<fleet.sequences {
            // One token, so that no time goes to prompts.
            let prompt = [Token(index % Int(MockText.alphabet))]
            scenario.requests.append(
                Scenario.Request(prompt: prompt, seed: settings.seed << 32 | UInt64(index), maximumTokens: limit)
            )
        }
        FleetPlacement.place(&scenario.requests, among: fleet.verifiers)
        scenario.workers = (0..<fleet.workers).map { index in
            var worker = Scenario.Worker(
                drafter: .model(agreement: settings.agreement),
                stepMilliseconds: settings.stepMilliseconds
            )
            worker.verifiers = (0..<known).map { (index + $0) % fleet.verifiers }.sorted()
            return worker
        }
        return scenario
    }
}
