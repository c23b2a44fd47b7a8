import PacelineCluster
import PacelineSpeculation

extension Scenario {
    /// Shows what drafting costs where it gains nothing: long requests, and workers whose tokens are all wrong. Most of
    /// these workers are sure of their tokens. There is no other fault.
    package static func worthless(seed: UInt64) throws -> Scenario {
        var random = SplitMix(seed: MockText.mix(seed ^ 0x574f_5254_484c))
        let base = random.pick([15.0, 24, 40])
        var scenario = Scenario(
            seed: seed,
            costs: try .linear(base: base, perRow: base * random.pick([0.002, 0.01, 0.05, 0.2]))
        )
        // Passes must take equally long in both runs of a comparison.
        scenario.passJitter = 0
        scenario.network.latency = .fromMilliseconds(random.pick([0.1, 2, 20]))
        scenario.network.jitter = scenario.network.latency * 0.5
        for _ in 0..<1 + random.next(below: 4) {
            scenario.workers.append(
                Worker(drafter: random.pick([.liar, .random]), stepMilliseconds: random.pick([0.3, 1, 5, 15]))
            )
        }
        for index in 0..<random.pick([1, 1, 2, 4]) {
            let prompt = (0..<random.pick([1, 20])).map { _ in Token(random.next(below: Int(MockText.alphabet))) }
            let name = random.next() & ~0xff | UInt64(index)
            scenario.requests.append(Request(prompt: prompt, seed: name, maximumTokens: 500))
        }
        scenario.faults = [.lie]
        return scenario
    }
}
