import PacelineCluster
import PacelineSpeculation
import Testing

@Suite("A long prompt beside a sequence that decodes")
struct PrefillDelayTests {
    /// A sequence that decodes from the start, and another one whose prompt comes later, on a machine where a prompt
    /// token costs `perRow` milliseconds.
    static func run(perRow: Double, delay: Duration) throws -> Simulation {
        var scenario = Scenario(seed: 3)
        scenario.passBase = 20
        scenario.passPerRow = perRow
        scenario.verifier.prefillDelay = delay
        scenario.requests.append(.tokens(120, prompt: [1, 2, 3], seed: 1))
        var long = Scenario.RequestPlan.tokens(4, prompt: (0..<1_000).map { Token($0 % 91) }, seed: 2)
        long.start = .milliseconds(200)
        scenario.requests.append(long)
        return try SimulationTests.check(scenario)
    }

    /// The longest time between two commits of the first sequence, in milliseconds.
    static func longestGap(_ simulation: Simulation) -> Double {
        let times = simulation.clients[0].commitTimes
        return zip(times, times.dropFirst()).map { ($1 - $0).inMilliseconds }.max() ?? .infinity
    }

    @Test("delays its tokens by no more than the configured time", arguments: [0.3, 1, 3])
    func bounded(perRow: Double) throws {
        let simulation = try Self.run(perRow: perRow, delay: .milliseconds(50))
        // Simulated passes take up to a tenth longer than the curve says.
        #expect(Self.longestGap(simulation) <= 1.25 * (20 + perRow + 50))
    }

    @Test("is read in the passes that decode, without waiting for them to end")
    func mixed() throws {
        let simulation = try Self.run(perRow: 1, delay: .milliseconds(50))
        let first = try #require(simulation.clients[1].commitTimes.first)
        let last = try #require(simulation.clients[0].commitTimes.last)
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
        var scenario = Scenario(seed: 3)
        scenario.passPerRow = 3
        scenario.requests.append(.tokens(2, prompt: (0..<1_000).map { Token($0 % 91) }, seed: 2))
        let simulation = try SimulationTests.check(scenario)
        // 999 tokens in passes of 128, two rounds, and one that closes the sequence.
        #expect(simulation.verifier.snapshot.passes == 8 + 2 + 1)
    }
}
