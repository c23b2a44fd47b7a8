import PacelineSpeculation
import Testing

/// Every test here goes through all outcomes of drafting and deciding with their exact probabilities.
@Suite("p/q rules emit the target's law")
struct RejectionRuleTests {
    static let shapes = [
        TreeShape(widths: []), TreeShape(widths: [1]), TreeShape(widths: [1, 1]), TreeShape(widths: [1, 1, 1]),
        TreeShape(widths: [2]), TreeShape(widths: [3]), TreeShape(widths: [1, 2]), TreeShape(widths: [2, 1]),
        TreeShape(widths: [3, 1], isDelayed: true), TreeShape(widths: [2, 2], isDelayed: true),
        TreeShape(widths: [2, 2]),
    ]

    @Test("speculative sampling, on chains and recursively with replacement", arguments: shapes)
    func recursiveWithReplacement(shape: TreeShape) throws {
        try expectExact(RecursiveRejection(), shape, .with)
    }

    @Test("recursive rejection without replacement", arguments: shapes)
    func recursiveWithoutReplacement(shape: TreeShape) throws {
        try expectExact(RecursiveRejection(), shape, .without)
    }

    @Test("K-SEQ", arguments: shapes)
    func kSequential(shape: TreeShape) throws {
        try expectExact(KSequentialSelection(), shape, .with)
    }

    @Test("block verification, on chains and on the first children of trees", arguments: shapes)
    func block(shape: TreeShape) throws {
        try expectExact(BlockVerification(), shape, .with)
        try expectExact(BlockVerification(), shape, .without)
    }

    @Test("traversal verification with replacement", arguments: shapes)
    func traversalWithReplacement(shape: TreeShape) throws {
        try expectExact(TraversalVerification(), shape, .with)
    }

    @Test("traversal verification without replacement", arguments: shapes)
    func traversalWithoutReplacement(shape: TreeShape) throws {
        try expectExact(TraversalVerification(), shape, .without)
    }

    @Test("recursive rejection and traversal, where each sibling came from a drafter of its own")
    func severalDrafters() throws {
        for seed in 0..<12 {
            let scenario = RejectionScenario(seed: UInt64(seed), vocabulary: 3)
            let drafters = (0..<3).map { RejectionScenario(seed: UInt64(100 * $0 + seed + 1), vocabulary: 3) }
            func draw(_ chance: inout EnumeratedChance) throws -> SampledTree {
                let laws = drafters.map { $0.draftLaw(after: []) }
                let nodes = laws.map { SampledTree.Node(parent: nil, token: chance.token(from: $0), law: $0) }
                return try SampledTree(nodes, replacement: .with)
            }
            let recursive = try scenario.distance(length: 2) { chance in
                scenario.emit(RecursiveRejection(), try draw(&chance), chance: &chance)
            }
            let traversal = try scenario.distance(length: 2) { chance in
                scenario.emit(TraversalVerification(), try draw(&chance), chance: &chance)
            }
            #expect(recursive < 1e-12)
            #expect(traversal < 1e-12)
        }
    }

    @Test("a draft whose law is the target's own is accepted whole")
    func equalLaws() throws {
        let law = try #require(TokenDistribution(weights: [0.5, 0.3, 0.2]))
        let chain = [nil, 0, 1].map { SampledTree.Node(parent: $0, token: 1, law: law) }
        let tree = try SampledTree(chain, replacement: .with)
        func accepted(_ rule: some RejectionRule) -> Int {
            var fewest = Int.max
            EnumeratedChance.forEachOutcome { chance in
                rule.verdict(on: tree, target: { _ in law }, chance: &chance).accepted.count
            } visit: { count, _ in
                fewest = min(fewest, count)
            }
            return fewest
        }
        #expect(accepted(RecursiveRejection()) == 3)
        #expect(accepted(KSequentialSelection()) == 3)
        #expect(accepted(BlockVerification()) == 3)
        #expect(accepted(TraversalVerification()) == 3)
    }

    private func expectExact(
        _ rule: some RejectionRule,
        _ shape: TreeShape,
        _ replacement: SampledTree.Replacement,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        // Deep or wide trees have too many outcomes for a vocabulary of three.
        let vocabulary = shape.widths.reduce(0, +) > 3 ? 2 : 3
        for seed in 0..<UInt64(12) {
            let scenario = RejectionScenario(seed: seed, vocabulary: vocabulary)
            let distance = try scenario.distance(length: 3) { chance in
                let tree = try scenario.drawTree(shape, replacement: replacement, chance: &chance)
                return scenario.emit(rule, tree, chance: &chance)
            }
            #expect(distance < 1e-12, "seed \(seed)", sourceLocation: sourceLocation)
        }
    }
}

@Suite("p/q rules accept as many tokens as they are known to")
struct RejectionYieldTests {
    @Test("a single draft is accepted with probability 1 - TV(p, q)")
    func singleDraft() throws {
        for seed in 0..<20 {
            let scenario = RejectionScenario(seed: UInt64(seed), vocabulary: 3)
            let (target, draft) = (scenario.targetLaw(after: []), scenario.draftLaw(after: []))
            let overlap = (0..<Token(3)).reduce(0) { $0 + min(target[$1], draft[$1]) }
            let shape = TreeShape(widths: [1])
            #expect(
                abs(try scenario.expectedAccepted(RecursiveRejection(), shape: shape, replacement: .with) - overlap)
                    < 1e-12
            )
            #expect(
                abs(try scenario.expectedAccepted(KSequentialSelection(), shape: shape, replacement: .with) - overlap)
                    < 1e-9
            )
        }
    }

    @Test("block verification turns the paper's 10/9 tokens into 11/9")
    func paperExample() throws {
        let target = try #require(TokenDistribution(weights: [1, 2]))
        let draft = try #require(TokenDistribution(weights: [2, 1]))
        func expected(_ rule: some RejectionRule) throws -> Double {
            var sum = 0.0
            try EnumeratedChance.forEachOutcome { chance in
                let nodes = [nil, 0].map { parent in
                    SampledTree.Node(parent: parent, token: chance.token(from: draft), law: draft)
                }
                let tree = try SampledTree(nodes, replacement: .with)
                return rule.verdict(on: tree, target: { _ in target }, chance: &chance).accepted.count
            } visit: { count, weight in
                sum += weight * Double(count)
            }
            return sum
        }
        #expect(abs(try expected(RecursiveRejection()) - 10 / 9) < 1e-12)
        #expect(abs(try expected(BlockVerification()) - 11 / 9) < 1e-12)
        #expect(abs(try expected(TraversalVerification()) - 11 / 9) < 1e-12)
    }

    @Test("on chains traversal equals block verification, and neither accepts fewer than token by token")
    func chains() throws {
        for seed in 0..<20 {
            let scenario = RejectionScenario(seed: UInt64(seed), vocabulary: 2)
            let shape = TreeShape(widths: [1, 1, 1])
            let tokenwise = try scenario.expectedAccepted(RecursiveRejection(), shape: shape, replacement: .with)
            let block = try scenario.expectedAccepted(BlockVerification(), shape: shape, replacement: .with)
            let traversal = try scenario.expectedAccepted(TraversalVerification(), shape: shape, replacement: .with)
            #expect(abs(block - traversal) < 1e-12)
            #expect(block >= tokenwise - 1e-12)
        }
    }

    @Test("more siblings are never worse")
    func siblings() throws {
        for seed in 0..<20 {
            let scenario = RejectionScenario(seed: UInt64(seed), vocabulary: 3)
            func accepted(_ rule: some RejectionRule, _ replacement: SampledTree.Replacement) throws -> [Double] {
                try (1...3).map { width in
                    try scenario.expectedAccepted(rule, shape: TreeShape(widths: [width]), replacement: replacement)
                }
            }
            for counts in [
                try accepted(RecursiveRejection(), .with), try accepted(RecursiveRejection(), .without),
                try accepted(KSequentialSelection(), .with), try accepted(TraversalVerification(), .without),
            ] {
                #expect(zip(counts, counts.dropFirst()).allSatisfy { $0 <= $1 + 1e-9 })
            }
        }
    }
}
