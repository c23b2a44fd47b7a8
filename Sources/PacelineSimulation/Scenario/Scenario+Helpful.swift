import PacelineCluster
import PacelineSpeculation
import PacelineWire

extension Scenario {
    /// Shows what drafting brings where it is good: long requests, workers that are right nearly always and quick, and
    /// no fault.
    package static func helpful(seed: UInt64) throws -> Scenario {
        var random = SplitMix(seed: MockText.mix(seed ^ 0x4845_4c50))
        let base = random.pick([15.0, 24, 40])
        var scenario = Scenario(seed: seed, costs: try .linear(base: base, perRow: base * random.pick([0.002, 0.01])))
        scenario.passJitter = 0
        scenario.verifier.draft = DraftLimits(nodes: 32, depth: 12, width: 2)
        let (count, requests) = (1 + random.next(below: 3), random.pick([1, 2, 4]))
        for _ in 0..<count {
            let agreement = random.pick([0.85, 0.95])
            scenario.workers.append(
                Worker(drafter: .model(agreement: agreement), stepMilliseconds: random.pick([0.3, 1]))
            )
        }
        for index in 0..<requests {
            let prompt = (0..<random.pick([1, 20])).map { _ in Token(random.next(below: Int(MockText.alphabet))) }
            let name = random.next() & ~0xff | UInt64(index)
            scenario.requests.append(Request(prompt: prompt, seed: name, maximumTokens: 250))
        }
        return scenario
    }
}
