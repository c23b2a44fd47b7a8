import PacelineModel
import PacelineSpeculation
import PacelineTensor
import PacelineTestTraits
import PacelineTraining
import Testing

@Suite("Drafting with an EAGLE head", .computing)
struct EagleDraftTests {
    /// The shapes that differ in one flag, and in heads and rotation.
    static let shapes: [(String, @Sendable (inout EagleHead<Float>.Shape) -> Void)] = [
        ("own", { _ in }),
        ("no embedding norm", { $0.normsEmbedding = false }),
        ("no feature norm", { $0.normsFeature = false }),
        ("no input norm", { $0.normsLayerInput = false }),
        ("no output norm", { $0.normsOutput = false }),
        (
            "EAGLE-1",
            {
                (($0.normsEmbedding, $0.normsFeature), $0.hasFusionBias) = ((false, false), true)
                ($0.normsLayerInput, $0.normsOutput) = (false, false)
            }
        ),
        ("attention biases", { $0.layer.hasAttentionBias = true }),
        (
            "one key head, neighbours",
            {
                $0.layer.attention = CausalAttention(heads: 4, keyValueHeads: 1, headDimension: 10)
                $0.layer.rotary = RotaryEmbedding(dimensions: 6, pairing: .neighbours, theta: 50)
            }
        ),
    ]

    @Test("the first step and self-fed steps guess what the trained head guesses", arguments: shapes.map(\.0))
    func parity(_ name: String) throws {
        let small = try SmallHead(seed: 5, try #require(Self.shapes.first { $0.0 == name }).1)
        let head = try small.trainable()
        var numbers = SplitMix(seed: 9)
        let sequence = numbers.sequence(12)
        let batch = head.batch([sequence], LossConditions(batchCount: 1))
        let network = try small.network(compute: try Compute(threads: 1))
        for steps in 1...4 {
            let expected = head.run(batch, steps: steps, parameters: small.parameters).guesses
            let logits = head.frozen.output.logits(expected)
            for row in steps - 1..<sequence.count - 1 {
                let own = try guess(network, sequence, committed: row + 2 - steps, selfFed: steps - 1)
                #expect(distance(own.feature, expected, row) < 1e-5, "step \(steps), row \(row)")
                #expect(distance(own.logits, logits, row) < 1e-5, "step \(steps), row \(row)")
            }
        }
    }

    /// What the head says after `committed` rows with the target's features and `selfFed` with its own.
    private func guess(
        _ network: EagleNetwork,
        _ sequence: TrainingSequence<Float>,
        committed: Int,
        selfFed: Int
    ) throws -> (feature: [Float], logits: [Float]) {
        var context = network.emptyContext
        let width = SmallHead.width
        let rows = (0..<committed).map { row in
            EagleNetwork.Row(
                feature: sequence.features.values[row * width..<(row + 1) * width],
                token: Token(sequence.tokens[row + 1]),
                position: row,
                view: .init(base: row + 1, path: [])
            )
        }
        var feature = network.forward(rows, context: &context).row(committed - 1)
        for row in committed..<committed + selfFed {
            let next = EagleNetwork.Row(
                feature: feature[...],
                token: Token(sequence.tokens[row + 1]),
                position: row,
                view: .init(base: committed, path: Array(committed...row))
            )
            feature = network.forward([next], context: &context).row(0)
        }
        return (feature, network.logits(of: [feature]).row(0))
    }

    @Test("committing in parts, and after drafts that were refused, is the same as committing at once")
    func rollback() throws {
        let network = try SmallHead(seed: 6).network(compute: try Compute(threads: 1))
        var numbers = SplitMix(seed: 10)
        let sequence = numbers.sequence(20)
        var whole = EagleDraft(network)
        whole.commit(sequence, rows: 0..<19)
        var parts = EagleDraft(network)
        for range in [0..<7, 7..<8, 8..<13, 13..<19] {
            _ = try parts.tree(.init(nodes: 9, depth: 4, width: 3))
            parts.commit(sequence, rows: range)
        }
        let growth = DraftGrowth(nodes: 12, depth: 4, width: 3)
        let (first, second) = (try whole.tree(growth), try parts.tree(growth))
        #expect(first.count == 12)
        #expect(first.map(\.token) == second.map(\.token))
        #expect(first.map(\.parent) == second.map(\.parent))
        for (a, b) in zip(first, second) { #expect((a.logProbability - b.logProbability).magnitude < 1e-4) }
    }

    @Test("a node of a tree gets the law that it gets in a chain: it sees its ancestors and no other drafts")
    func ancestors() throws {
        let network = try SmallHead(seed: 7).network(compute: try Compute(threads: 1))
        var numbers = SplitMix(seed: 11)
        let sequence = numbers.sequence(9)
        var draft = EagleDraft(network)
        draft.commit(sequence, rows: 0..<8)
        let tree = try draft.tree(.init(nodes: 40, depth: 4, width: 4))
        let leaves = tree.indices.filter { tree.depth(of: $0) == 3 }
        #expect(leaves.count > 2)
        for leaf in leaves {
            var chain = TokenTree()
            for token in tree.tokens(onPathTo: leaf) {
                try chain.append(.init(parent: chain.isEmpty ? nil : chain.count - 1, token: token, logProbability: 0))
            }
            var alone = draft
            alone.discard()
            let own = try alone.expand(chain, at: [chain.count - 1], width: 5)[0]
            var again = draft
            again.discard()
            let inTree = try again.expand(tree, at: tree.indices.map { $0 }, width: 5)[leaf]
            #expect(own.map(\.token) == inTree.map(\.token))
            for (a, b) in zip(own, inTree) { #expect((a.logProbability - b.logProbability).magnitude < 1e-4) }
        }
    }

    @Test("proposals are tokens of the target, with the target's noise at the position of the token")
    func noise() throws {
        let small = try SmallHead(seed: 8)
        let network = try small.network(compute: try Compute(threads: 1))
        var numbers = SplitMix(seed: 12)
        let sequence = numbers.sequence(6)
        var sampling = SamplingParameters()
        (sampling.temperature, sampling.seed) = (0.7, 42)
        var draft = EagleDraft(network, sampling: sampling, start: 30)
        draft.commit(sequence, rows: 0..<5)
        var context = network.emptyContext
        let width = SmallHead.width
        let rows = (0..<5).map { row in
            EagleNetwork.Row(
                feature: sequence.features.values[row * width..<(row + 1) * width],
                token: Token(sequence.tokens[row + 1]),
                position: 30 + row,
                view: .init(base: row + 1, path: [])
            )
        }
        let feature = network.forward(rows, context: &context).row(4)
        let logits = network.logits(of: [feature]).row(0)
        let scores = zip(logits, small.vocabulary.targetTokens).map { logit, token in
            logit / 0.7 + ExactMath.gumbel(seed: 42, position: 36, index: token)
        }
        let best = try #require(scores.indices.max { scores[$0] < scores[$1] })
        let proposed = try draft.expand(TokenTree(), at: [nil], width: 3)[0]
        #expect(proposed.count == 3)
        #expect(Int(proposed[0].token) == small.vocabulary.targetTokens[best])
    }

    @Test("weights in eight bits guess nearly the same")
    func eightBits() throws {
        let small = try SmallHead(seed: 13)
        var numbers = SplitMix(seed: 14)
        let sequence = numbers.sequence(9)
        let compute = try Compute(threads: 1)
        let exact = try guess(small.network(compute: compute), sequence, committed: 8, selfFed: 0)
        let rough = try guess(small.network(.eightBit, compute: compute), sequence, committed: 8, selfFed: 0)
        let error = zip(exact.feature, rough.feature).reduce(Float(0)) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        let size = exact.feature.reduce(Float(0)) { $0 + $1 * $1 }
        #expect(error > 0 && error < 0.001 * size)
    }

    @Test("before anything is committed there are no proposals")
    func empty() throws {
        let network = try SmallHead().network(compute: try Compute(threads: 1))
        var draft = EagleDraft(network)
        #expect(try draft.tree(.chain(4)).isEmpty)
    }

    /// The largest difference to a row, in units of its largest number, or of 1.
    private func distance(_ values: [Float], _ matrix: Matrix<Float>, _ row: Int) -> Float {
        let size = values.reduce(1) { max($0, $1.magnitude) }
        return values.indices.reduce(0) { max($0, (values[$1] - matrix[row, $1]).magnitude) } / size
    }
}

extension EagleDraft {
    /// Commits rows of a captured text.
    mutating func commit(_ sequence: TrainingSequence<Float>, rows: Range<Int>) {
        let width = sequence.features.columns
        commit(
            features: sequence.features.values[rows.lowerBound * width..<rows.upperBound * width],
            tokens: rows.map { Token(sequence.tokens[$0 + 1]) }
        )
    }
}
