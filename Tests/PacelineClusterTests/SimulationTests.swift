import Foundation
import PacelineCluster
import PacelineSpeculation
import Testing

@Suite("A simulated cluster")
struct SimulationTests {
    /// More with `PACELINE_SIMULATION_SEEDS`; a thousand take some minutes.
    static let seeds = ProcessInfo.processInfo.environment["PACELINE_SIMULATION_SEEDS"].flatMap(UInt64.init) ?? 40

    /// Runs a scenario and checks all that must hold whatever happens.
    @discardableResult
    static func check(_ scenario: Scenario) throws -> Simulation {
        let simulation = try Simulation(scenario)
        simulation.run()
        let comment: Comment = "seed \(scenario.seed)"
        for (index, client) in simulation.clients.enumerated() {
            check(client, scenario.requests[index], comment)
        }
        // Tags tell a stale tree only where every drafter puts them on.
        if scenario.workers.allSatisfy(\.isTagged) { #expect(simulation.target.misrootedNodes == 0, comment) }
        let snapshot = simulation.verifier.snapshot
        #expect(snapshot.running == 0 && snapshot.waiting == 0 && snapshot.reservedTokens == 0, comment)
        #expect(simulation.target.openCount == 0, comment)
        #expect(snapshot.pendingLinks == 0, comment)
        for worker in snapshot.workers where worker.isConnected {
            #expect(worker.openRequests == 0, comment)
        }
        for worker in simulation.workers where worker.isAlive {
            #expect(worker.machine.sessionTotal == 0, comment)
        }
        return simulation
    }

    private static func check(_ client: Simulation.Client, _ plan: Scenario.RequestPlan, _ comment: Comment) {
        let request = plan.generation
        let plain = TaggedText.plain(
            prompt: request.prompt,
            seed: request.sampling.seed,
            count: request.maximumTokens,
            stops: request.stopTokens
        )
        switch client.ending {
        case .finished(let summary) where summary.reason == .cancelled:
            #expect(plan.cancel != nil, comment)
            #expect(client.tokens.elementsEqual(plain.prefix(client.tokens.count)), comment)
        case .finished(let summary):
            #expect(client.tokens == plain, comment)
            let isStopped = plain.last.map(request.stopTokens.contains) ?? false
            #expect(summary.reason == (isStopped ? .stop : .length), comment)
            #expect(summary.completionTokens == plain.count, comment)
        case .failed(let fault): Issue.record(fault, comment)
        case .tokens, nil: Issue.record("the request never ended; \(comment)")
        }
    }

    @Test("emits the tokens of plain decoding and ends every request, whatever the workers and the network do")
    func identity() throws {
        var faults: [String: Int] = [:]
        var tokens = 0
        for seed in 1...Self.seeds {
            let simulation = try Self.check(.anything(seed: seed))
            faults.merge(simulation.faults, uniquingKeysWith: +)
            tokens += simulation.clients.reduce(0) { $0 + $1.tokens.count }
        }
        #expect(tokens > 1000)
        for kind in Scenario.FaultKind.allCases {
            #expect(faults[kind.rawValue, default: 0] > 5, "\(kind) was hardly exercised")
        }
    }

    @Test("runs the same way twice")
    func determinism() throws {
        for seed in 1...5 as ClosedRange<UInt64> {
            let first = try Simulation(.anything(seed: seed))
            let second = try Simulation(.anything(seed: seed))
            first.run()
            second.run()
            #expect(first.trace == second.trace, "seed \(seed)")
        }
    }
}
