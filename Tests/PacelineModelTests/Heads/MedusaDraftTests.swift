import PacelineModel
import PacelineSpeculation
import PacelineTensor
import PacelineTestTraits
import PacelineTraining
import Testing

@Suite("Drafting with Medusa's and Hydra's heads", .computing)
struct MedusaDraftTests {
    private let compute: Compute

    init() throws { compute = try Compute(threads: 1) }

    private func row(_ sequence: TrainingSequence<Float>, _ position: Int, head: Int) -> MedusaNetwork.Row {
        let width = SmallHead.width
        return MedusaNetwork.Row(
            feature: sequence.features.values[position * width..<(position + 1) * width],
            tokens: sequence.tokens[position + 1...position + 1 + head].map(Token.init)[...]
        )
    }

    private func chain(_ tokens: [Token]) throws -> TokenTree {
        var chain = TokenTree()
        for token in tokens {
            try chain.append(.init(parent: chain.isEmpty ? nil : chain.count - 1, token: token, logProbability: -1))
        }
        return chain
    }

    /// What a head says about the token behind a path, below the first `known` tokens.
    private func logits(
        _ network: MedusaNetwork,
        _ sequence: TrainingSequence<Float>,
        known: Int,
        _ path: [Token]
    ) -> [Float] {
        var row = row(sequence, known - 2, head: 0)
        row.tokens += path
        return network.logits(of: [network.guesses(path.count, [row]).row(0)]).row(0)
    }

    @Test("the network guesses what the trained heads guess", arguments: [false, true], [1, 2])
    func parity(readsTokens: Bool, blocks: Int) throws {
        let small = try SmallMedusa(seed: 31, blocks: blocks, readsTokens: readsTokens)
        let (heads, network) = (try small.trainable(), try small.network(compute: compute))
        var numbers = SplitMix(seed: 32)
        let sequence = numbers.sequence(14)
        for head in 0..<SmallMedusa.heads {
            let expected = heads.guesses(head, sequence, parameters: small.parameters)
            let logits = heads.frozen.output.logits(expected)
            #expect(expected.rows == 13 - head)
            // More rows than the first buffers have.
            let all = network.guesses(head, (0..<expected.rows).map { row(sequence, $0, head: head) })
            let together = (0..<expected.rows).map(all.row)
            for position in 0..<expected.rows {
                let alone = network.guesses(head, [row(sequence, position, head: head)]).row(0)
                for guess in [alone, together[position]] {
                    #expect(distance(guess, expected, position) < 1e-5, "head \(head), row \(position)")
                    let own = network.logits(of: [guess]).row(0)
                    #expect(distance(own, logits, position) < 1e-5, "head \(head), row \(position)")
                }
            }
        }
    }

    /// The largest difference to a row, in units of its largest number, or of 1.
    private func distance(_ values: [Float], _ matrix: Matrix<Float>, _ row: Int) -> Float {
        let size = values.reduce(1) { max($0, $1.magnitude) }
        return values.indices.reduce(0) { max($0, (values[$1] - matrix[row, $1]).magnitude) } / size
    }

    @Test("weights in eight bits guess nearly the same", arguments: [false, true])
    func eightBits(readsTokens: Bool) throws {
        let small = try SmallMedusa(seed: 33, blocks: 2, readsTokens: readsTokens)
        var numbers = SplitMix(seed: 34)
        let sequence = numbers.sequence(9)
        let networks = [try small.network(compute: compute), try small.network(.eightBit, compute: compute)]
        for head in 0..<SmallMedusa.heads {
            let guesses = networks.map { $0.guesses(head, [row(sequence, 3, head: head)]).row(0) }
            let error = zip(guesses[0], guesses[1]).reduce(Float(0)) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
            let size = guesses[0].reduce(Float(0)) { $0 + $1 * $1 }
            #expect(error > 0 && error < 0.001 * size)
        }
    }

    @Test("a node's children are the best tokens of the head of its depth; below the last head there are none")
    func children() throws {
        for readsTokens in [false, true] {
            let small = try SmallMedusa(seed: 35, readsTokens: readsTokens)
            let network = try small.network(compute: compute)
            var numbers = SplitMix(seed: 36)
            let sequence = numbers.sequence(9)
            var draft = MedusaDraft(network)
            draft.commit(sequence, rows: 0..<8)
            #expect(draft.end == 8)
            for path in [[], [3], [4], [3, 7], [4, 7], [4, 1]] as [[Token]] {
                let logits = logits(network, sequence, known: 9, path)
                let ranked = logits.indices.sorted { logits[$0] > logits[$1] }
                let tree = try chain(path)
                let found = try draft.expand(tree, at: [path.isEmpty ? nil : tree.count - 1], width: 4)[0]
                #expect(found.map { Int($0.token) } == ranked.prefix(4).map { small.vocabulary.targetTokens[$0] })
                let more = try draft.expand(tree, at: [path.isEmpty ? nil : tree.count - 1], width: 6)[0]
                #expect(Array(more.prefix(4)) == found)
            }
            let deep = try chain([3, 7, 2, 5])
            #expect(try draft.expand(deep, at: [2, 3], width: 4) == [[], []])
            let growth = DraftGrowth(nodes: 30, depth: 5, width: 3)
            let tree = try draft.tree(growth)
            #expect(tree.indices.map { tree.depth(of: $0) }.max() == SmallMedusa.heads)
        }
    }

    @Test("Medusa's children depend on the depth alone, Hydra's on the tokens between")
    func paths() throws {
        for readsTokens in [false, true] {
            let network = try SmallMedusa(seed: 37, readsTokens: readsTokens).network(compute: compute)
            var numbers = SplitMix(seed: 38)
            let sequence = numbers.sequence(9)
            var draft = MedusaDraft(network)
            draft.commit(sequence, rows: 0..<8)
            var tree = TokenTree()
            for token in [3, 4, 5] as [Token] {
                try tree.append(.init(parent: nil, token: token, logProbability: -1))
            }
            let proposals = try draft.expand(tree, at: [nil, 0, 1, 2], width: 4)
            #expect((Set(proposals.dropFirst().map { $0.map(\.logProbability) }).count == 1) == !readsTokens)
            #expect(proposals[0] != proposals[1])
        }
    }

    @Test(
        "committing in parts, after drafts and behind a gap is the same as committing at once",
        arguments: [false, true]
    )
    func rollback(readsTokens: Bool) throws {
        let network = try SmallMedusa(seed: 39, readsTokens: readsTokens).network(compute: compute)
        var numbers = SplitMix(seed: 40)
        let sequence = numbers.sequence(20)
        let growth = DraftGrowth(nodes: 12, depth: 3, width: 3)
        var whole = MedusaDraft(network)
        whole.commit(sequence, rows: 0..<19)
        let expected = try whole.tree(growth)
        #expect(expected.count == 12)
        for parts in [[0..<7, 7..<8, 8..<13, 13..<19], [18..<19]] {
            var draft = MedusaDraft(network, start: parts[0].lowerBound)
            for part in parts {
                _ = try draft.tree(growth)
                draft.commit(sequence, rows: part)
            }
            #expect(try draft.tree(growth) == expected)
        }
    }

    @Test("proposals have the target's noise at the position of the token", arguments: [false, true])
    func noise(readsTokens: Bool) throws {
        let small = try SmallMedusa(seed: 41, readsTokens: readsTokens)
        let network = try small.network(compute: compute)
        var numbers = SplitMix(seed: 42)
        let sequence = numbers.sequence(6)
        var sampling = SamplingParameters()
        (sampling.temperature, sampling.seed) = (0.7, 43)
        var draft = MedusaDraft(network, sampling: sampling, start: 30)
        draft.commit(sequence, rows: 0..<5)
        for path in [[], [3], [3, 7]] as [[Token]] {
            let logits = logits(network, sequence, known: 6, path)
            let scores = zip(logits, small.vocabulary.targetTokens).map { logit, token in
                logit / 0.7 + ExactMath.gumbel(seed: 43, position: 36 + path.count, index: token)
            }
            let best = try #require(scores.indices.max { scores[$0] < scores[$1] })
            let tree = try chain(path)
            let proposed = try draft.expand(tree, at: [path.isEmpty ? nil : tree.count - 1], width: 3)[0]
            #expect(proposed.count == 3 && Int(proposed[0].token) == small.vocabulary.targetTokens[best])
        }
    }

    @Test("before anything is committed there are no proposals")
    func empty() throws {
        var draft = MedusaDraft(try SmallMedusa(readsTokens: true).network(compute: compute))
        #expect(try draft.tree(.chain(4)).isEmpty)
        draft.append([1, 2, 3])
        #expect(try !draft.hasFeature && draft.tree(.chain(4)).isEmpty)
    }

    // MARK: Measuring

    @Test("where a text says what the heads draft, all of it is accepted in every round", arguments: [false, true])
    func measure(readsTokens: Bool) throws {
        let network = try SmallMedusa(seed: 44, readsTokens: readsTokens).network(compute: compute)
        var numbers = SplitMix(seed: 45)
        var sequence = numbers.sequence(30)
        for known in stride(from: 2, to: 26, by: 4) {
            var draft = MedusaDraft(network)
            draft.commit(sequence, rows: 0..<known)
            var tokens = sequence.tokens
            for (place, node) in try draft.tree(.chain(3)).enumerated() { tokens[known + 1 + place] = Int(node.token) }
            sequence = TrainingSequence(tokens: tokens, features: sequence.features, top: sequence.top)
        }
        var (chains, longer) = (AcceptanceMeasure(.chain(3)), AcceptanceMeasure(.chain(4)))
        try chains.add(sequence, MedusaDraft(network))
        #expect(chains.rounds == 6 && chains.length == 4)
        try longer.add(sequence, MedusaDraft(network))
        #expect(longer.accepted == [longer.rounds, longer.rounds, longer.rounds, 0])
    }
}

extension MedusaDraft {
    /// Commits rows of a captured text.
    fileprivate mutating func commit(_ sequence: TrainingSequence<Float>, rows: Range<Int>) {
        let width = sequence.features.columns
        commit(
            features: sequence.features.values[rows.lowerBound * width..<rows.upperBound * width],
            tokens: rows.map { Token(sequence.tokens[$0 + 1]) }
        )
    }
}
