import Foundation
import PacelineTestTraits
import PacelineTraining
import Testing

@Suite("Training", .computing)
struct TrainingTests {
    /// A head, texts of different lengths, and a recipe whose last steps feed the head with its own features.
    private struct Run {
        let head: EagleHead<Float>
        let sequences: [TrainingSequence<Float>]
        var recipe = TrainingRecipe(seed: 5, peakLearningRate: 0.01, totalSteps: 12, runs: 2)

        init() throws {
            var tiny = TinyHeads(seed: 31)
            head = try tiny.eagle()
            sequences = [5, 8, 3, 7, 4].map { tiny.sequence($0) }
            recipe.optimiser.weightDecay = 0.1
        }

        func trainer() throws -> HeadTrainer<EagleHead<Float>> { try HeadTrainer(head, recipe: recipe) }

        func order(afterStep step: Int = 0) -> BatchOrder {
            BatchOrder(lengths: sequences.map(\.count), tokensPerBatch: 10, seed: recipe.seed, afterStep: step)
        }

        /// Makes steps with the batches that follow those made already.
        func advance(
            _ trainer: inout HeadTrainer<EagleHead<Float>>,
            steps: Int
        ) throws -> [HeadTrainer<EagleHead<Float>>.Report] {
            var order = order(afterStep: trainer.state.step)
            return try (0..<steps).map { _ in try trainer.step(on: order.next().map { sequences[$0] }) }
        }
    }

    @Test("gives the same bits for a seed, and others for another")
    func determinism() throws {
        let run = try Run()
        var (first, second) = (try run.trainer(), try run.trainer())
        let reports = try run.advance(&first, steps: 12)
        #expect(try run.advance(&second, steps: 12) == reports)
        #expect(first.state == second.state)
        #expect(reports.map(\.losses.parts.count) == Array(repeating: 1, count: 6) + Array(repeating: 2, count: 6))
        var other = run
        other.recipe.seed = 6
        var third = try other.trainer()
        _ = try other.advance(&third, steps: 12)
        #expect(third.state != first.state)
    }

    @Test("goes on from a checkpoint to the same bits as without a stop", arguments: [0, 1, 5, 11])
    func resuming(stop: Int) throws {
        let run = try Run()
        var whole = try run.trainer()
        let reports = try run.advance(&whole, steps: 12)
        var first = try run.trainer()
        _ = try run.advance(&first, steps: stop)
        let bytes = first.state.checkpoint(run.head.layout)
        let state = try TrainingState<Float>(checkpoint: bytes, run.head.layout)
        #expect(state == first.state)
        var second = try HeadTrainer(run.head, recipe: run.recipe, state: state)
        #expect(try run.advance(&second, steps: 12 - stop) == Array(reports[stop...]))
        #expect(second.state == whole.state)
    }

    @Test("parts of a batch, computed apart, make the step that the whole makes")
    func shares() throws {
        let run = try Run()
        var (whole, parted) = (try run.trainer(), try run.trainer())
        for _ in 0..<8 {
            let report = try whole.step(on: run.sequences)
            let shares = try [0..<2, 2..<3, 3..<5].map { try parted.share(of: run.sequences[$0], in: 5) }
            let sum = parted.step(shares)
            #expect(sum.learningRate == report.learningRate)
            #expect((sum.losses.total - report.losses.total).magnitude < 1e-4 * report.losses.total)
            #expect((sum.gradientNorm - report.gradientNorm).magnitude < 1e-3 * report.gradientNorm)
        }
    }

    @Test("of one text brings the loss near the entropy of the target's laws, also when the head feeds itself")
    func overfitting() throws {
        var tiny = TinyHeads(seed: 32)
        let weights = EagleHead<Float>.LossWeights(feature: 0, tokens: .init(renormalised: 1), decay: 1)
        let head: EagleHead<Float> = try tiny.eagle(weights: weights)
        let sequence: TrainingSequence<Float> = tiny.sequence(8)
        var recipe = TrainingRecipe(seed: 1, peakLearningRate: 0.03, totalSteps: 300, runs: 2)
        recipe.featureNoise = 0
        var trainer = try HeadTrainer(head, recipe: recipe)
        let before = try trainer.evaluate([sequence])
        for _ in 0..<300 { _ = try trainer.step(on: [sequence]) }
        let after = try trainer.evaluate([sequence])
        for (step, part) in after.parts.enumerated() {
            let entropy = entropy(of: sequence, step: step, head.frozen.vocabulary)
            #expect(before.parts[step].token > entropy + 0.5)
            #expect(part.token > entropy - 1e-5 && part.token < entropy + 0.02, "step \(step): \(part), \(entropy)")
        }
    }

    /// The least cross entropy that is possible, averaged over the rows that count in a step.
    private func entropy(of sequence: TrainingSequence<Float>, step: Int, _ vocabulary: DraftVocabulary) -> Double {
        let rows = sequence.top.dropFirst(step + 1).filter { !$0.isEmpty }
        let entropies = rows.map { top in
            guard vocabulary.draftToken(of: top[0].token) != nil else { return 0.0 }
            let known = top.filter { vocabulary.draftToken(of: $0.token) != nil }.map { exp(Double($0.logProbability)) }
            let mass = known.reduce(0, +)
            return known.reduce(0) { $0 - $1 / mass * log($1 / mass) }
        }
        return entropies.reduce(0, +) / Double(rows.count)
    }

    @Test("refuses texts that the head cannot learn from, and changes nothing")
    func unusableTexts() throws {
        let run = try Run()
        var trainer = try run.trainer()
        let state = trainer.state
        let good = run.sequences[0]
        func changed(
            tokens: [Int]? = nil,
            features: Matrix<Float>? = nil,
            top: [[TopToken]]? = nil
        ) -> TrainingSequence<Float> {
            .init(tokens: tokens ?? good.tokens, features: features ?? good.features, top: top ?? good.top)
        }
        var infinite = good.features
        infinite[2, 3] = .infinity
        let cases: [(TrainingSequence<Float>, TrainingDataError)] = [
            (changed(tokens: [1]), .tooShort(sequence: 1, tokens: 1, needed: 2)),
            (changed(tokens: [0, 1, 2, 3, 13]), .unknownToken(sequence: 1, position: 4, token: 13)),
            (changed(tokens: [0, -1, 2, 3, 4]), .unknownToken(sequence: 1, position: 1, token: -1)),
            (
                changed(features: .init(rows: 4, columns: 8)),
                .shape(sequence: 1, part: "rows of features", found: 4, expected: 5)
            ),
            (
                changed(features: .init(rows: 5, columns: 9)),
                .shape(sequence: 1, part: "features a row", found: 9, expected: 8)
            ),
            (changed(features: infinite), .notFinite(sequence: 1, part: "features")),
            (changed(top: []), .shape(sequence: 1, part: "rows of probable tokens", found: 0, expected: 5)),
            (
                changed(top: good.top.dropLast() + [[TopToken(token: 1, logProbability: .nan)]]),
                .logProbability(sequence: 1, position: 4)
            ),
        ]
        for (sequence, expected) in cases {
            #expect(throws: expected) { try trainer.step(on: [good, sequence]) }
        }
        #expect(throws: TrainingDataError.emptyBatch) { try trainer.step(on: []) }
        #expect(trainer.state == state)
    }
}
