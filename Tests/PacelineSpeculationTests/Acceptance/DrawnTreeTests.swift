import PacelineSpeculation
import Testing

/// Trees that methods draw for the p/q rules.
@Suite("Trees drawn for the p/q rules")
struct DrawnTreeTests {
    @Test("DySpec's greedy trees are exact: where they grow is decided before each draw", arguments: 1...4)
    func greedy(nodes: Int) {
        for seed in 0..<UInt64(12) {
            let scenario = RejectionScenario(seed: seed, vocabulary: nodes > 3 ? 2 : 3)
            for depth in 1...3 {
                func distance(_ rule: some RejectionRule) -> Double {
                    scenario.distance(length: 3) { chance in
                        let law = scenario.draftLaw
                        let tree = SampledTree.greedy(nodes: nodes, depth: depth, law: law, chance: &chance)
                        return scenario.emit(rule, tree, chance: &chance)
                    }
                }
                #expect(distance(RecursiveRejection()) < 1e-12)
                #expect(distance(TraversalVerification()) < 1e-12)
            }
        }
    }

    @Test("DySpec's trees have as many nodes as asked for, unless no token is left")
    func greedySize() {
        let scenario = RejectionScenario(seed: 4, vocabulary: 3)
        var random = SplitMix(seed: 1)
        for (nodes, depth, count) in [(0, 3, 0), (5, 0, 0), (5, 3, 5), (100, 1, 3), (100, 2, 12)] {
            var chance = UniformChance { random.nextUnit() }
            let tree = SampledTree.greedy(nodes: nodes, depth: depth, law: scenario.draftLaw, chance: &chance)
            #expect(tree.nodes.count == count)
        }
    }

    @Test("Gumbel-top-k draws siblings like drawing without replacement")
    func gumbelOrder() throws {
        let law = try #require(TokenDistribution(weights: [5, 3, 2, 0]))
        var counts: [[Token]: Double] = [:]
        let rounds = 20_000
        for seed in 0..<UInt64(rounds) {
            let tree = SampledTree.gumbelTopK(widths: [2], noise: GumbelNoise(seed: seed), law: { _ in law })
            counts[tree.nodes.map(\.token), default: 0] += 1 / Double(rounds)
        }
        var distance = 0.0
        for first in 0..<Token(3) {
            for second in 0..<Token(3) where second != first {
                let rest = try #require(law.excluding([first]))
                distance += abs(law[first] * rest[second] - counts[[first, second], default: 0]) / 2
            }
        }
        // Six outcomes: chance alone gives about 0.006.
        #expect(distance < 0.015 && counts.count == 6)
    }

    @Test("RSD's trees are exact as far as sampling shows, and sorted siblings are not")
    func recursiveDrafts() throws {
        var worst = (constant: 0.0, beam: 0.0, sorted: 0.0)
        for seed in 1..<UInt64(3) {
            let scenario = RejectionScenario(seed: seed, vocabulary: 3)
            worst.constant = max(
                worst.constant,
                try distance(scenario) { SampledTree.gumbelTopK(widths: [2, 1], noise: $0, law: scenario.draftLaw) }
            )
            worst.beam = max(
                worst.beam,
                try distance(scenario) {
                    SampledTree.stochasticBeam(width: 2, depth: 2, noise: $0, law: scenario.draftLaw)
                }
            )
            worst.sorted = max(
                worst.sorted,
                try distance(scenario) {
                    let tree = SampledTree.gumbelTopK(widths: [2], noise: $0, law: scenario.draftLaw)
                    let nodes = tree.nodes.sorted { $0.law[$0.token] > $1.law[$1.token] }
                    return try SampledTree(nodes, replacement: .without)
                }
            )
        }
        #expect(worst.constant < 0.02 && worst.beam < 0.02)
        #expect(worst.sorted > 0.05)
    }

    @Test("a beam keeps its width at each level, the parents of what it keeps included")
    func beam() throws {
        let scenario = RejectionScenario(seed: 11, vocabulary: 3)
        for seed in 0..<UInt64(50) {
            let noise = GumbelNoise(seed: seed)
            let tree = SampledTree.stochasticBeam(width: 3, depth: 3, noise: noise, law: scenario.draftLaw)
            var depths: [Int] = []
            for node in tree.nodes { depths.append((node.parent.map { depths[$0] } ?? 0) + 1) }
            for depth in 1...3 { #expect(depths.filter { $0 == depth }.count <= 3) }
            #expect(depths == depths.sorted() && depths.last == 3)
            let again = SampledTree.stochasticBeam(width: 3, depth: 3, noise: noise, law: scenario.draftLaw)
            #expect(again.nodes.map(\.token) == tree.nodes.map(\.token))
        }
    }

    /// Between the target's next two tokens and those that recursive rejection emits; noise is sampled, and the rule's
    /// decisions are enumerated.
    private func distance(_ scenario: RejectionScenario, draw: (GumbelNoise) throws -> SampledTree) throws -> Double {
        var emitted: [[Token]: Double] = [:]
        let rounds = 4_000
        for seed in 0..<UInt64(rounds) {
            let tree = try draw(GumbelNoise(seed: seed))
            EnumeratedChance.forEachOutcome { chance in
                var tokens = scenario.emit(RecursiveRejection(), tree, chance: &chance)
                while tokens.count < 2 { tokens.append(chance.token(from: scenario.targetLaw(after: tokens))) }
                return Array(tokens.prefix(2))
            } visit: { tokens, weight in
                emitted[tokens, default: 0] += weight / Double(rounds)
            }
        }
        var distance = 0.0
        for first in 0..<Token(3) {
            for second in 0..<Token(3) {
                let exact = scenario.targetLaw(after: [])[first] * scenario.targetLaw(after: [first])[second]
                distance += abs(exact - emitted[[first, second], default: 0]) / 2
            }
        }
        return distance
    }
}
