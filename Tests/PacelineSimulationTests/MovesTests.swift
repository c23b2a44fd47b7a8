import PacelineCluster
import PacelineSpeculation
import PacelineTestTraits
import Testing

@testable import PacelineSimulation

@Suite("Sequences and workers", .computing)
struct MovesTests {
    /// Two long requests and some workers; `strike` comes at 500 ms.
    private static func scenario(
        _ drafters: [DrafterKind],
        requests: Int = 2,
        strike: FaultKind? = nil
    ) throws -> Scenario {
        var scenario = Scenario(seed: 1, costs: try .linear(base: 20, perRow: 0.2))
        scenario.faultWindow = .seconds(100)
        scenario.workers = drafters.map { Scenario.Worker(drafter: $0, stepMilliseconds: 5) }
        for index in 0..<requests {
            scenario.requests.append(
                Scenario.Request(prompt: [Token(index)], seed: 100 + UInt64(index), maximumTokens: 4000)
            )
        }
        if let strike { scenario.strikes = [.init(kind: strike, at: .milliseconds(500))] }
        return scenario
    }

    private static func loads(_ simulation: Simulation) -> [Int] {
        simulation.snapshot(ofVerifier: 0).workers.filter(\.isConnected).map(\.openRequests)
    }

    /// The first and the second worker, which may have connected in any order.
    private static func pair(
        _ simulation: Simulation
    ) throws -> (VerifierSnapshot.Worker, VerifierSnapshot.Worker) {
        let workers = simulation.snapshot(ofVerifier: 0).workers
        return (
            try #require(workers.first { $0.name == "worker 0" }), try #require(workers.first { $0.name == "worker 1" })
        )
    }

    @Test("a worker that joins relieves one that serves several")
    func joins() throws {
        var scenario = try Self.scenario([.model(agreement: 0.8), .model(agreement: 0.8)])
        scenario.workers[1].start = .milliseconds(600)
        let simulation = try Simulation(scenario)
        simulation.run(for: .milliseconds(500))
        #expect(Self.loads(simulation) == [2])
        simulation.run(for: .milliseconds(200))
        #expect(Self.loads(simulation) == [1, 1])
        #expect(simulation.violation == nil)
    }

    @Test("the sequences of a worker that drains or dies move to another at once", arguments: [FaultKind.drain, .kill])
    func leaves(kind: FaultKind) throws {
        let simulation = try Simulation(
            Self.scenario([.model(agreement: 0.8), .model(agreement: 0.8)], strike: kind)
        )
        simulation.run(for: .milliseconds(490))
        #expect(Self.loads(simulation) == [1, 1])
        simulation.run(for: .milliseconds(18))
        #expect(Self.loads(simulation) == [2])
        #expect(simulation.statistics.faults[kind] == 1)
    }

    @Test("a worker that vanishes without a word is given up within the silence limit")
    func vanishes() throws {
        let simulation = try Simulation(Self.scenario([.model(agreement: 0.8)], requests: 1, strike: .powerOff))
        simulation.run(for: .milliseconds(1700))
        let all = simulation.snapshot(ofVerifier: 0).workers
        #expect(all.contains { !$0.isConnected })
        #expect(simulation.statistics.faults[.powerOff] == 1)
        #expect(simulation.violation == nil)
    }

    @Test("the sequence of a useless worker moves to a useful one")
    func useless() throws {
        let simulation = try Simulation(Self.scenario([.liar, .model(agreement: 0.8)]))
        simulation.run(for: .milliseconds(100))
        #expect(Self.loads(simulation) == [1, 1])
        simulation.run(for: .seconds(2))
        let (liar, model) = try Self.pair(simulation)
        #expect(liar.rest != nil && model.rest == nil)
        #expect(model.openRequests == 2)
    }

    @Test("the sequence of a worker that has become slow moves to a faster one")
    func slow() throws {
        var scenario = try Self.scenario([.model(agreement: 0.8), .model(agreement: 0.8)])
        // Its trees arrive long after their bases have passed.
        scenario.workers[0].stepMilliseconds = 900
        let simulation = try Simulation(scenario)
        simulation.run(for: .seconds(4))
        let (slow, quick) = try Self.pair(simulation)
        #expect(slow.rest != nil && quick.openRequests == 2)
    }

    @Test("one worker drafts for several sequences, and for several verifiers, at once")
    func several() throws {
        var scenario = try Self.scenario([.model(agreement: 0.9)], requests: 4)
        scenario.workers[0].stepMilliseconds = 1
        scenario.verifiers = 2
        let simulation = try Simulation(scenario)
        simulation.run(for: .seconds(2))
        for verifier in 0..<2 {
            let snapshot = simulation.snapshot(ofVerifier: verifier)
            #expect(snapshot.running == 2)
            #expect(snapshot.workers.map(\.openRequests) == [2])
            #expect(snapshot.workers[0].acceptedTokens > 50, "verifier \(verifier)")
        }
        #expect(simulation.violation == nil)
    }
}
