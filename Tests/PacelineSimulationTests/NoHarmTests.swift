import PacelineCluster
import PacelineSpeculation
import PacelineTestTraits
import Testing

@testable import PacelineSimulation

@Suite("Draft workers do no harm", .computing)
struct NoHarmTests {
    @Test("and with trees that are all wrong keep at least 0.97 of the speed of plain decoding")
    func worthless() throws {
        for seed in 1...10 as ClosedRange<UInt64> {
            let speed = try SeedOutcome.speed(of: Trial(.worthless(seed: seed), .worthless))
            #expect(speed.violation == nil, "seed \(seed)")
            #expect(speed.ratio >= 0.97, "seed \(seed)")
        }
    }

    @Test("and with trees that are nearly all right make requests at least half as fast again")
    func helpful() throws {
        for seed in 1...6 as ClosedRange<UInt64> {
            let speed = try SeedOutcome.speed(of: Trial(.helpful(seed: seed), .helpful))
            #expect(speed.violation == nil && speed.ratio >= 1.5, "seed \(seed): \(speed)")
        }
    }

    @Test(
        "a worker that stops, hangs or vanishes in mid-round delays no token by more than 50 ms beyond a plain pass",
        arguments: [FaultKind.pause, .hang, .powerOff, .halfOpen, .partition, .kill]
    )
    func stops(kind: FaultKind) throws {
        var struck = 0
        for seed in 1...3 as ClosedRange<UInt64> {
            var random = SplitMix(seed: seed)
            let base = 30.0
            // The curve is so flat that hardly anything but waiting can delay a token.
            var scenario = Scenario(seed: seed, costs: try .linear(base: base, perRow: 0.05))
            scenario.faultWindow = .seconds(3)
            scenario.network.latency = .milliseconds([1, 10][Int(seed % 2)])
            for _ in 0..<1 + Int(seed % 3) {
                scenario.workers.append(Scenario.Worker(drafter: .model(agreement: 0.9), stepMilliseconds: 8))
            }
            scenario.requests = [Scenario.Request(prompt: [3], seed: seed, maximumTokens: 400)]
            // Hangs strike for sure, and are long.
            scenario.strikes = (0..<(kind == .hang ? 4 : 12)).map { _ in
                .init(kind: kind, at: .milliseconds(random.next(below: 2500)))
            }
            scenario.faults = [kind]
            let simulation = try Simulation(scenario)
            simulation.run()
            #expect(simulation.violation == nil, "seed \(seed)")
            #expect(simulation.statistics.acceptedTokens > 50, "seed \(seed)")
            #expect(simulation.statistics.longestOverrun <= 50.01, "seed \(seed)")
            let plain = scenario.costs.milliseconds(rows: 1) * (1 + scenario.passJitter)
            #expect(simulation.statistics.longestGap <= plain + 50 + 64 * 0.05 * scenario.passJitter, "seed \(seed)")
            struck += simulation.statistics.faults[kind, default: 0]
        }
        #expect(struck > 8)
    }

    @Test(
        "the wait for drafts and the extra time of their verification stay within the limit, however long passes are",
        arguments: [.milliseconds(50), nil] as [Duration?]
    )
    func steep(limit: Duration?) throws {
        for (base, perRow) in [(5.0, 0.4), (30, 3.5), (120, 3.5)] {
            var scenario = Scenario(seed: 1, costs: try .linear(base: base, perRow: perRow))
            scenario.verifier.delayLimit = limit
            scenario.workers = [Scenario.Worker(drafter: .model(agreement: 0.9), stepMilliseconds: base / 4)]
            scenario.requests = [Scenario.Request(prompt: [3], seed: 1, maximumTokens: 200)]
            let simulation = try Simulation(scenario)
            simulation.run()
            #expect(simulation.violation == nil)
            #expect(simulation.statistics.acceptedTokens > 100, "\(base) ms and \(perRow) ms a row")
            let bound = limit?.inMilliseconds ?? max(50, 2.5 * (1 + scenario.passJitter) * (base + perRow))
            #expect(simulation.statistics.longestOverrun <= bound)
        }
    }

    @Test("a worker that has never been right is not waited for")
    func unproven() throws {
        func longestDelay(_ drafter: DrafterKind) throws -> Double {
            var scenario = Scenario(seed: 4, costs: try .linear(base: 30, perRow: 0.1))
            scenario.network.latency = .milliseconds(1)
            scenario.workers = [Scenario.Worker(drafter: drafter, stepMilliseconds: 8)]
            scenario.requests = [Scenario.Request(prompt: [3], seed: 4, maximumTokens: 300)]
            let simulation = try Simulation(scenario)
            simulation.run()
            #expect(simulation.violation == nil)
            return simulation.statistics.longestDelay
        }
        #expect(try longestDelay(.liar) == 0)
        #expect(try longestDelay(.model(agreement: 0.7)) > 0)
    }

    /// Tokens per second of one long request.
    private static func speed(
        _ workers: [Scenario.Worker],
        contention: Double = 0,
        restsDrafting: Bool = true
    ) throws -> Double {
        var scenario = Scenario(seed: 5, costs: try .linear(base: 36, perRow: 0.6))
        scenario.contention = contention
        scenario.verifier.restsDrafting = restsDrafting
        scenario.workers = workers
        scenario.requests = [Scenario.Request(prompt: [1, 2, 3], seed: 1, maximumTokens: 1200)]
        scenario.requests[0].start = .seconds(1)
        let simulation = try Simulation(scenario)
        simulation.run()
        if let violation = simulation.violation { throw violation }
        let last = try #require(simulation.commitTimes(ofClient: 0).last)
        return 1200 / ((last - .zero).inMilliseconds / 1000 - 1)
    }

    private static func worker(_ drafter: DrafterKind, step: Double = 5) -> Scenario.Worker {
        Scenario.Worker(drafter: drafter, stepMilliseconds: step)
    }

    /// The speed without workers, which several tests compare with.
    private static let plainSpeed = Result { try speed([]) }

    @Test("with drafters whose trees are all wrong, honest about it or not")
    func allWrong() throws {
        let plain = try Self.plainSpeed.get()
        #expect(try Self.speed([Self.worker(.liar)]) > 0.97 * plain)
        let honest = Self.worker(.model(agreement: 0), step: 15)
        #expect(try Self.speed([Self.worker(.random), Self.worker(.random), honest]) > 0.97 * plain)
    }

    @Test("with workers that take the verifier's own processor time and give little for it")
    func contended() throws {
        let plain = try Self.plainSpeed.get()
        #expect(try Self.speed([Self.worker(.liar, step: 30)], contention: 1) > 0.9 * plain)
        let poor = [Self.worker(.model(agreement: 0.2), step: 30)]
        #expect(try Self.speed(poor, contention: 1) > 0.9 * plain)
        // The same worker does harm if the verifier never lets it rest.
        #expect(try Self.speed(poor, contention: 1, restsDrafting: false) < 0.8 * plain)
    }

    @Test("and are not held back where they help")
    func helps() throws {
        let plain = try Self.plainSpeed.get()
        #expect(try Self.speed([Self.worker(.model(agreement: 0.8))]) > 2.5 * plain)
        #expect(try Self.speed([Self.worker(.model(agreement: 0.9))], contention: 0.3) > 2 * plain)
    }
}
