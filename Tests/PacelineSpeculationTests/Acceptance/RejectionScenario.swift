import PacelineSpeculation

/// A target and a drafter over a tiny vocabulary, with laws that are random functions of the tokens before.
struct RejectionScenario {
    let seed: UInt64
    let vocabulary: Int

    func targetLaw(after tokens: [Token]) -> TokenDistribution {
        law(after: tokens, salt: 0x7a)
    }

    func draftLaw(after tokens: [Token]) -> TokenDistribution {
        law(after: tokens, salt: 0xd4)
    }

    /// Now and then with impossible tokens, which is where rules go wrong first.
    private func law(after tokens: [Token], salt: UInt64) -> TokenDistribution {
        var hash = BaseHash(rawValue: seed &* 0x9e37_79b9 ^ salt)
        hash.append(tokens)
        var generator = SplitMix(seed: hash.rawValue)
        let weights = (0..<vocabulary).map { _ in
            Int.random(in: 0..<6, using: &generator) == 0 ? 0 : Double.random(in: 0.05...1, using: &generator)
        }
        return TokenDistribution(weights: weights) ?? TokenDistribution(
            weights: Array(repeating: 1, count: vocabulary)
        )!
    }
}

/// How many children are drawn below the base and below each node.
struct TreeShape: Sendable, CustomStringConvertible {
    /// For each depth, how many children nodes of the depth above get.
    var widths: [Int]
    /// Whether only first children have children themselves.
    var isDelayed = false

    var description: String { "\(widths)\(isDelayed ? " below first children" : "")" }
}

extension RejectionScenario {
    /// Draws a tree as the rules ask for it.
    func drawTree(_ shape: TreeShape, replacement: SampledTree.Replacement, chance: inout some Chance) throws
        -> SampledTree
    {
        var nodes: [SampledTree.Node] = []
        var level: [(node: NodeIndex?, tokens: [Token])] = [(nil, [])]
        for width in shape.widths {
            var next: [(node: NodeIndex?, tokens: [Token])] = []
            for (parent, tokens) in level {
                let law = draftLaw(after: tokens)
                var drawn: [Token] = []
                for rank in 0..<width {
                    guard let rest = replacement == .with ? law : law.excluding(drawn) else { break }
                    let token = chance.token(from: rest)
                    drawn.append(token)
                    if rank == 0 || !shape.isDelayed { next.append((nodes.count, tokens + [token])) }
                    nodes.append(.init(parent: parent, token: token, law: law))
                }
            }
            level = next
        }
        return try SampledTree(nodes, replacement: replacement)
    }

    /// The total-variation distance between the target's law of the next `length` tokens and that of what `process`
    /// emits, continued with the target where it emits fewer.
    func distance(length: Int, process: (inout EnumeratedChance) throws -> [Token]) rethrows -> Double {
        var emitted: [[Token]: Double] = [:]
        try EnumeratedChance.forEachOutcome(of: process) { tokens, weight in
            emitted[Array(tokens.prefix(length)), default: 0] += weight
        }
        var law: [[Token]: Double] = [:]
        for (tokens, weight) in emitted {
            for (sequence, probability) in continuations(of: tokens, length: length) {
                law[sequence, default: 0] += weight * probability
            }
        }
        let target = continuations(of: [], length: length)
        return target.reduce(0) { $0 + abs($1.value - law[$1.key, default: 0]) } / 2
            + law.filter { target[$0.key] == nil }.reduce(0) { $0 + $1.value } / 2
    }

    /// The tokens a rule emits for a tree.
    func emit(_ rule: some RejectionRule, _ tree: SampledTree, chance: inout EnumeratedChance) -> [Token] {
        verdict(rule, tree, chance: &chance).tokens
    }

    func verdict(_ rule: some RejectionRule, _ tree: SampledTree, chance: inout EnumeratedChance) -> Verdict {
        rule.verdict(on: tree, target: { targetLaw(after: tokens(in: tree, onPathTo: $0)) }, chance: &chance)
    }

    /// The expected number of accepted tokens.
    func expectedAccepted(
        _ rule: some RejectionRule,
        shape: TreeShape,
        replacement: SampledTree.Replacement
    ) throws -> Double {
        var expected = 0.0
        try EnumeratedChance.forEachOutcome { chance in
            let tree = try drawTree(shape, replacement: replacement, chance: &chance)
            return verdict(rule, tree, chance: &chance).accepted.count
        } visit: { count, weight in
            expected += weight * Double(count)
        }
        return expected
    }

    func tokens(in tree: SampledTree, onPathTo node: NodeIndex?) -> [Token] {
        guard let node else { return [] }
        return tokens(in: tree, onPathTo: tree.nodes[node].parent) + [tree.nodes[node].token]
    }

    /// All sequences of `length` tokens that begin with `tokens`, with the target's probability of the rest.
    private func continuations(of tokens: [Token], length: Int) -> [[Token]: Double] {
        guard tokens.count < length else { return [tokens: 1] }
        let law = targetLaw(after: tokens)
        var result: [[Token]: Double] = [:]
        for token in 0..<Token(vocabulary) where law[token] > 0 {
            for (sequence, probability) in continuations(of: tokens + [token], length: length) {
                result[sequence] = probability * law[token]
            }
        }
        return result
    }
}
