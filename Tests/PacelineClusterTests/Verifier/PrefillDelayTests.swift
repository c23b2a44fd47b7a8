import PacelineCluster
import PacelineSimulation
import PacelineSpeculation
import Testing

@Suite("A long prompt beside a sequence that decodes")
struct PrefillDelayTests {
    /// A sequence that decodes from the start, and another one whose prompt comes later, on a machine where a prompt
    /// token costs `perRow` milliseconds.
    private static func run(perRow: Double, delay: Duration) throws -> Simulation {
        var scenario = Scenario(seed: 3, costs: try .linear(base: 20, perRow: perRow))
        scenario.passJitter = 0.1
        scenario.verifier.prefillDelay = delay
        scenario.requests = [
            Scenario.Request(prompt: [1, 2, 3], seed: 1, maximumTokens: 120),
            Scenario.Request(prompt: longPrompt, seed: 2, maximumTokens: 4),
        ]
        scenario.requests[1].start = .milliseconds(200)
        return try run(scenario)
    }

    private static let longPrompt = (0..<1_000).map { Token($0 % 64) }

    private static func run(_ scenario: Scenario) throws -> Simulation {
        let simulation = try Simulation(scenario)
        simulation.run()
        if let violation = simulation.violation { throw violation }
        return simulation
    }

    /// The longest time between two commits of the first sequence, in milliseconds.
    private static func longestGap(_ simulation: Simulation) -> Double {
        let times = simulation.commitTimes(ofClient: 0)
        return zip(times, times.dropFirst()).map { ($1 - $0).inMilliseconds }.max() ?? .infinity
    }

    @Test("delays its tokens by no more than the configured time", arguments: [0.3, 1, 3])
    func bounded(perRow: Double) throws {
        let simulation = try Self.run(perRow: perRow, delay: .milliseconds(50))
        // Simulated passes take up to a tenth more than the curve says.
        #expect(Self.longestGap(simulation) <= 1.25 * (20 + perRow + 50))
    }

    @Test("is read in the passes that decode, without waiting for them to end")
    func mixed() throws {
        let simulation = try Self.run(perRow: 1, delay: .milliseconds(50))
        let first = try #require(simulation.commitTimes(ofClient: 1).first)
        let last = try #require(simulation.commitTimes(ofClient: 0).last)
        #expect(first < last)
    }

    @Test("still gets some rows if even those take longer")
    func least() throws {
        let simulation = try Self.run(perRow: 20, delay: .milliseconds(50))
        let pass = 20 + 20.0 * (1 + 8)
        #expect(Self.longestGap(simulation) <= 1.25 * pass)
    }

    @Test("has the whole pass to itself while nobody decodes")
    func alone() throws {
        var scenario = Scenario(seed: 3, costs: try .linear(base: 20, perRow: 3))
        scenario.requests = [Scenario.Request(prompt: Self.longPrompt, seed: 2, maximumTokens: 2)]
        let simulation = try Self.run(scenario)
        // 999 tokens in passes of 128, two rounds, and one that closes the sequence.
        #expect(simulation.snapshot(ofVerifier: 0).passes == 8 + 2 + 1)
    }
}
