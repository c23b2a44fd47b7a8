import PacelineSimulation
import PacelineSpeculation
import Testing

@testable import PacelineCluster

@Suite("Prompts that begin alike")
struct PrefillAccountingTests {
    @Test("Tokens that were computed and tokens that were cached are counted apart")
    func accounting() throws {
        let stem = (0..<500).map { Token($0 % 64) }
        var scenario = Scenario(seed: 4, costs: try .linear(base: 20, perRow: 0.2))
        scenario.reusesPages = true
        for (index, length) in [500, 500, 200, 500, 129, 1].enumerated() {
            let prompt = Array(stem.prefix(length))
            var request = Scenario.Request(prompt: prompt, seed: UInt64(index), maximumTokens: 40)
            request.start = .milliseconds(index * 700)
            scenario.requests.append(request)
        }
        // The simulation compares the tokens, and the verifier's counts with those of the engine.
        let simulation = try Simulation(scenario)
        simulation.run()
        #expect(simulation.violation == nil)
        let snapshot = simulation.snapshot(ofVerifier: 0)
        #expect(snapshot.prefilledTokens + snapshot.reusedTokens == 499 + 499 + 199 + 499 + 128 + 0)
        #expect(snapshot.reusedTokens == 448 + 192 + 448 + 128)
    }

    @Test("Cached prompt tokens do not enter the cost curve, and the next token is decided at once")
    func costs() throws {
        let costs = try CostCurve.mock()
        var machine = VerifierMachine(
            configuration: VerifierConfiguration(),
            target: .mock(),
            costs: costs,
            incarnation: 1
        )
        let request = RequestID(rawValue: 1)
        let prompt = (0..<129).map { Token($0 % 97) }
        let asked = GenerationRequest(prompt: prompt, sampling: .greedy, maximumTokens: 4)
        let first = try #require(Self.pass(machine.handle(.submit(request, asked), now: .zero)))
        #expect(first.rows == 128)
        let reused = RoundOutcome.prefilled(count: 0, reused: 128)
        let second = try #require(
            Self.pass(machine.handle(.passFinished([reused], milliseconds: 0.001), now: .zero))
        )
        #expect(machine.scheduler.costs == costs)
        guard case .verify = second.rounds.first?.work else { throw SimulationError() }
        // That time belongs to the rows that were computed, not to those that were asked for.
        var expected = costs
        expected.observe(rows: 1, milliseconds: 21)
        let verdict = Verdict(path: [], accepted: [], correction: 5)
        _ = machine.handle(.passFinished([.verified(verdict)], milliseconds: 21), now: .zero)
        #expect(machine.scheduler.costs == expected)
    }

    struct SimulationError: Error {}

    private static func pass(_ effects: [VerifierMachine.Effect]) -> Pass? {
        effects.compactMap { effect -> Pass? in
            if case .run(let pass) = effect { pass } else { nil }
        }.first
    }
}
