import Foundation
import PacelineTestTraits
import PacelineTraining
import Testing

@Suite("Medusa's and Hydra's heads", .computing)
struct MedusaTests {
    private func heads<Scalar: TrainingScalar>(
        _ tiny: inout TinyHeads,
        readsTokens: Bool
    ) throws -> MedusaHeads<Scalar> {
        try MedusaHeads(
            .init(width: TinyHeads.width, heads: 3, blocks: 2, readsTokens: readsTokens),
            frozen: tiny.vocabulary(),
            weights: .init(tokens: .init(renormalised: 0.6, cutOff: 0.3), decay: 0.7),
            featureScale: 0.6
        )
    }

    @Test("have gradients that equal differences for every tensor", arguments: [false, true])
    func differences(readsTokens: Bool) throws {
        var tiny = TinyHeads(seed: 51)
        let heads: MedusaHeads<Double> = try heads(&tiny, readsTokens: readsTokens)
        let sequences: [TrainingSequence<Double>] = [tiny.sequence(7), tiny.sequence(5), tiny.sequence(2)]
        let conditions = LossConditions(batchCount: 3, noise: 0.1, noiseSeed: 4)
        let parameters = tiny.parameters(of: heads)
        var gradient = [Double](repeating: 0, count: heads.layout.count)
        let losses = heads.losses(sequences, conditions, parameters: parameters, addingGradientTo: &gradient)
        #expect(heads.losses(sequences, conditions, parameters: parameters) == losses)
        GradientCheck.expectAll(heads.layout, gradient, of: parameters) {
            heads.losses(sequences, conditions, parameters: $0).total
        }
    }

    @Test("guess what plainly written heads guess, each one token further ahead", arguments: [false, true])
    func forwards(readsTokens: Bool) throws {
        var tiny = TinyHeads(seed: 52)
        let heads: MedusaHeads<Double> = try heads(&tiny, readsTokens: readsTokens)
        let sequence: TrainingSequence<Double> = tiny.sequence(8)
        let parameters = tiny.parameters(of: heads)
        let losses = heads.losses([sequence], LossConditions(batchCount: 1), parameters: parameters)
        for head in 0..<3 {
            let guesses = heads.guesses(head, sequence, parameters: parameters)
            #expect(guesses.rows == 7 - head)
            var (best, learned) = (0.0, 0.0)
            for position in 0..<7 - head {
                var input = (0..<TinyHeads.width).map { sequence.features[position, $0] }
                if readsTokens {
                    let between = Array(sequence.tokens[position + 1...position + 1 + head])
                    input += heads.frozen.embedding.embed(between).values
                }
                let plain = guess(head, input, heads, parameters)
                for (column, value) in plain.enumerated() {
                    #expect((guesses[position, column] - value).magnitude < 1e-12)
                }
                // The target's own choice of the token that the head guesses: t_{p+2+head}.
                guard let choice = sequence.top[position + 1 + head].first else { continue }
                learned += 1
                let logits = heads.frozen.output.logits(Matrix(rows: 1, columns: plain.count, values: plain)).values
                let first = heads.frozen.vocabulary.targetTokens[logits.firstIndex(of: logits.max()!)!]
                best += first == choice.token ? 1 : 0
            }
            #expect((losses.parts[head].agreement - best / learned).magnitude < 1e-12)
        }
    }

    private func guess(
        _ head: Int,
        _ input: [Double],
        _ heads: MedusaHeads<Double>,
        _ parameters: [Double]
    ) -> [Double] {
        func linear(_ name: String, _ input: [Double]) -> [Double] {
            let (weight, bias) = (heads.layout["\(name).weight"]!, heads.layout["\(name).bias"]!)
            return (0..<weight.rows).map { row in
                input.indices.reduce(parameters[bias.offset + row]) {
                    $0 + parameters[weight.offset + row * input.count + $1] * input[$1]
                }
            }
        }
        return (0..<2).reduce(input) { input, block in
            let raised = linear("\(head).\(block).linear", input)
            let passed = block == 0 && heads.shape.readsTokens ? linear("\(head).\(block).skip", input) : input
            return zip(passed, raised).map { $0 + $1 / (1 + exp(-$1)) }
        }
    }

    @Test("begin as the target's own output")
    func beginning() throws {
        for readsTokens in [false, true] {
            var tiny = TinyHeads(seed: 53)
            let heads: MedusaHeads<Double> = try heads(&tiny, readsTokens: readsTokens)
            let sequence: TrainingSequence<Double> = tiny.sequence(6)
            let parameters = heads.initialParameters(seed: 1)
            let guesses = heads.guesses(2, sequence, parameters: parameters)
            #expect(guesses.values == Array(sequence.features.values.prefix(guesses.values.count)))
        }
    }

    @Test("learn a text by heart", arguments: [false, true])
    func overfitting(readsTokens: Bool) throws {
        var tiny = TinyHeads(seed: 54)
        let heads: MedusaHeads<Float> = try heads(&tiny, readsTokens: readsTokens)
        let sequence: TrainingSequence<Float> = tiny.sequence(7)
        var recipe = TrainingRecipe(seed: 1, peakLearningRate: 0.05, totalSteps: 200)
        recipe.featureNoise = 0
        var trainer = try HeadTrainer(heads, recipe: recipe)
        for _ in 0..<200 { _ = try trainer.step(on: [sequence]) }
        for (head, part) in try trainer.evaluate([sequence]).parts.enumerated() {
            let tops = sequence.top.dropFirst(1 + head).filter { !$0.isEmpty }
            let sayable = tops.count { heads.frozen.vocabulary.draftToken(of: $0[0].token) != nil }
            #expect(sayable > 0)
            #expect((part.agreement - Double(sayable) / Double(tops.count)).magnitude < 1e-9)
        }
    }
}
