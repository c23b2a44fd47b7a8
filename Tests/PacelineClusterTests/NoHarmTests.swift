import PacelineCluster
import PacelineSpeculation
import Testing

@Suite("Drafting does no harm")
struct NoHarmTests {
    /// Tokens per second of one long request.
    private static func speed(_ workers: [Scenario.WorkerPlan], contention: Double = 0) throws -> Double {
        var scenario = Scenario(seed: 5)
        scenario.passBase = 36
        scenario.passPerRow = 0.6
        scenario.contention = contention
        scenario.workers = workers
        scenario.requests = [.tokens(1200)]
        scenario.requests[0].start = .seconds(1)
        let simulation = try SimulationTests.check(scenario)
        let last = try #require(simulation.clients[0].commitTimes.last)
        return 1200 / ((last - .zero).inMilliseconds / 1000 - 1)
    }

    @Test("with drafters whose trees are all wrong, honest about it or not")
    func allWrong() throws {
        let plain = try Self.speed([])
        #expect(try Self.speed([.mock(0, claim: 0.99)]) > 0.97 * plain)
        #expect(try Self.speed([.hostile(), .hostile(), .mock(0, claim: 0.5, step: 15)]) > 0.97 * plain)
    }

    @Test("with workers that take the verifier's own processor time and give little for it")
    func contended() throws {
        let plain = try Self.speed([])
        #expect(try Self.speed([.mock(0.2, step: 30)], contention: 1) > 0.9 * plain)
        #expect(try Self.speed([.mock(0, claim: 0.9, step: 30)], contention: 1) > 0.9 * plain)
    }

    @Test("and is not held back where it helps")
    func helps() throws {
        let plain = try Self.speed([])
        #expect(try Self.speed([.mock(0.8)]) > 2.5 * plain)
        #expect(try Self.speed([.mock(0.9)], contention: 0.3) > 2 * plain)
    }
}
