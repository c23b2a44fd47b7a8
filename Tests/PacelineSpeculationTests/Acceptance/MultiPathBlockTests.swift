import PacelineSpeculation
import Testing

@Suite("Greedy multi-path block verification")
struct MultiPathBlockTests {
    /// Chains of some length, drawn independently.
    private static func draw(
        _ scenario: RejectionScenario,
        chains: Int,
        length: Int,
        chance: inout some Chance
    ) throws -> SampledTree {
        var nodes: [SampledTree.Node] = []
        for _ in 0..<chains {
            var (parent, path): (NodeIndex?, [Token]) = (nil, [])
            for _ in 0..<length {
                let law = scenario.draftLaw(after: path)
                let token = chance.token(from: law)
                nodes.append(.init(parent: parent, token: token, law: law))
                (parent, path) = (nodes.count - 1, path + [token])
            }
        }
        return try SampledTree(nodes, replacement: .with)
    }

    private static func accepted(_ rule: some RejectionRule, _ scenario: RejectionScenario, chains: Int, length: Int)
        throws -> Double
    {
        var sum = 0.0
        try EnumeratedChance.forEachOutcome { chance in
            let tree = try draw(scenario, chains: chains, length: length, chance: &chance)
            return scenario.verdict(rule, tree, chance: &chance).accepted.count
        } visit: {
            sum += Double($0) * $1
        }
        return sum
    }

    @Test(
        "emits the target's distribution",
        arguments: [(0, 2), (1, 1), (1, 3), (2, 1), (2, 2), (3, 1), (3, 2), (2, 3), (4, 1)]
    )
    func exact(chains: Int, length: Int) throws {
        for seed in 0..<UInt64(12) {
            let scenario = RejectionScenario(seed: seed, vocabulary: chains * length > 4 ? 2 : 3)
            let distance = try scenario.distance(length: 3) { chance in
                let tree = try Self.draw(scenario, chains: chains, length: length, chance: &chance)
                return scenario.emit(MultiPathBlockVerification(), tree, chance: &chance)
            }
            #expect(distance < 1e-12, "seed \(seed)")
        }
    }

    @Test("is exact on trees, of which it takes the chains of first children", arguments: RejectionRuleTests.shapes)
    func trees(shape: TreeShape) throws {
        for seed in 0..<UInt64(6) {
            let scenario = RejectionScenario(seed: seed, vocabulary: shape.widths.reduce(0, +) > 3 ? 2 : 3)
            let distance = try scenario.distance(length: 3) { chance in
                let tree = try scenario.drawTree(shape, replacement: .with, chance: &chance)
                return scenario.emit(MultiPathBlockVerification(), tree, chance: &chance)
            }
            #expect(distance < 1e-12, "seed \(seed)")
        }
    }

    @Test("with one chain it is block verification, and more chains accept more first tokens")
    func yield() throws {
        var gain = 0.0
        for seed in 0..<UInt64(20) {
            let scenario = RejectionScenario(seed: seed, vocabulary: 3)
            let block = try Self.accepted(BlockVerification(), scenario, chains: 1, length: 1)
            let counts = try (1...3).map { chains in
                try Self.accepted(MultiPathBlockVerification(), scenario, chains: chains, length: 1)
            }
            #expect(abs(counts[0] - block) < 1e-12)
            #expect(counts[0] <= counts[1] + 1e-12 && counts[1] <= counts[2] + 1e-12, "seed \(seed)")
            gain += counts[2] - block
        }
        #expect(gain / 20 > 0.02)
    }

    @Test("three chains of two tokens accept more than one on average")
    func longerChains() throws {
        var sums = (block: 0.0, paths: 0.0)
        for seed in 0..<UInt64(20) {
            let scenario = RejectionScenario(seed: seed, vocabulary: 2)
            sums.block += try Self.accepted(BlockVerification(), scenario, chains: 1, length: 2) / 20
            sums.paths += try Self.accepted(MultiPathBlockVerification(), scenario, chains: 3, length: 2) / 20
        }
        #expect(sums.paths > sums.block + 0.02, "\(sums)")
    }

    @Test("verifying the chosen chain as if it were a random one is biased")
    func selectionForgotten() throws {
        let distances = try (0..<UInt64(20)).map { seed in
            let scenario = RejectionScenario(seed: seed, vocabulary: 3)
            return try scenario.distance(length: 2) { chance in
                let tree = try Self.draw(scenario, chains: 2, length: 1, chance: &chance)
                let (target, draft) = (scenario.targetLaw(after: []), scenario.draftLaw(after: []))
                let best = tree.nodes.max { target[$0.token] / draft[$0.token] < target[$1.token] / draft[$1.token] }
                let single = try SampledTree([try #require(best)], replacement: .with)
                return scenario.emit(BlockVerification(), single, chance: &chance)
            }
        }
        #expect((distances.max() ?? 0) > 0.05)
    }
}
