import Foundation
import PacelineCluster
import PacelineSpeculation
import PacelineTestTraits
import Testing

@testable import PacelineSimulation

@Suite("Extreme clusters", .computing)
struct ExtremesTests {
    /// More with `PACELINE_SIMULATION_SEEDS`; a thousand take some minutes.
    private static let seeds =
        ProcessInfo.processInfo.environment["PACELINE_SIMULATION_SEEDS"].flatMap(UInt64.init) ?? 24

    @Test("emit the tokens of plain decoding and end every request, whatever workers, network and engine do")
    func promises() throws {
        var statistics = SimulationStatistics()
        var tagged = 0
        for seed in 1...Self.seeds {
            let scenario = try Scenario.extremes(seed: seed)
            let simulation = try Simulation(scenario)
            simulation.run()
            #expect(simulation.violation == nil, "seed \(seed), contention \(scenario.contention)")
            statistics += simulation.statistics
            if scenario.areAllNodesTagged { tagged += simulation.statistics.verifiedNodes }
        }
        #expect(statistics.tokens > 1000)
        #expect(statistics.acceptedTokens > 100)
        #expect(tagged > 100, "hardly a node was checked by its tag")
        #expect(statistics.reusedTokens > 1000)
        for kind: FaultKind in [.kill, .pause, .cut, .partition, .corrupt, .intrude, .contention, .engineFailure] {
            #expect(statistics.faults[kind, default: 0] > 3, "\(kind) hardly struck: \(statistics.faults)")
        }
    }

    @Test("go the same way twice")
    func determinism() throws {
        for seed in 1...2 as ClosedRange<UInt64> {
            let first = try Simulation(.extremes(seed: seed))
            let second = try Simulation(.extremes(seed: seed))
            first.run()
            second.run()
            #expect(first.trace == second.trace, "seed \(seed)")
        }
    }

    @Test("suffer no fault that is not allowed")
    func allowed() throws {
        for seed in 1...8 as ClosedRange<UInt64> {
            let simulation = try Simulation(.extremes(seed: seed, allowed: [.cut]))
            simulation.run()
            #expect(simulation.violation == nil, "seed \(seed)")
            #expect(Set(simulation.statistics.faults.keys).isSubset(of: [.cut]), "seed \(seed)")
        }
    }

    @Test("fail a request that the engine fails, and let the others end")
    func engineFailure() throws {
        var scenario = Scenario(seed: 1, costs: try .linear(base: 20, perRow: 0.2))
        scenario.workers = [Scenario.Worker(drafter: .model(agreement: 0.8), stepMilliseconds: 5)]
        scenario.requests = (0..<3).map { Scenario.Request(prompt: [1], seed: $0, maximumTokens: 50) }
        scenario.requests[1].failingRound = 4
        let simulation = try Simulation(scenario)
        simulation.run()
        #expect(simulation.violation == nil)
        #expect(simulation.statistics.faults == [.engineFailure: 1])
        #expect(simulation.commitTimes(ofClient: 1).count == 3)
        #expect(simulation.statistics.tokens > 100)
    }
}

@Suite("Tagged texts", .computing)
struct TaggedTextTests {
    @Test("tell tokens of another request or another place from their own")
    func foreign() {
        let text = MockText.plain(prompt: [1, 2], seed: 5, count: 60, isTagged: true)
        func foreign(_ tokens: some Sequence<Token>, seed: UInt64, after prefix: [Token] = [1, 2]) -> Int {
            var hash = BaseHash(prefix)
            return MockText.foreignTokens(in: tokens, seed: seed, prefix: &hash)
        }
        #expect(foreign(text, seed: 5) == 0)
        // One tag in fifteen is right by chance.
        #expect(foreign(text, seed: 6) > 40)
        #expect(foreign(text.dropFirst(), seed: 5) > 40)
        #expect(foreign(text, seed: 5, after: [1, 3]) > 40)
        #expect(text.allSatisfy { $0 >= MockText.alphabet && $0 < MockText.vocabularySize })
    }

    @Test("are checked at workers: a base that holds tokens of another request is found out")
    func bases() throws {
        let ledger = ProposalLedger()
        let source = MockDrafterSource(
            .model(agreement: 0.8),
            ledger: ledger,
            effort: DraftEffort(),
            isTagged: true,
            seed: 1
        )
        let own = MockText.plain(prompt: [1, 2], seed: 5, count: 20, isTagged: true)
        let other = MockText.plain(prompt: [1, 2], seed: 6, count: 20, isTagged: true)
        var drafter = try #require(source.makeDrafters().first)
        try drafter.begin(base: [1, 2] + own, sampling: SamplingParameters(seed: 5))
        #expect(ledger.foreignTokens == 0)
        try drafter.begin(base: [1, 2] + other, sampling: SamplingParameters(seed: 5))
        #expect(ledger.foreignTokens > 10)
    }
}
