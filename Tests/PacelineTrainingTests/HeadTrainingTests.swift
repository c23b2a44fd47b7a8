import PacelineTestTraits
import PacelineTraining
import Testing

@Suite("Trainings from the first step to the last", .computing)
struct HeadTrainingTests {
    /// A training of a small head on ten texts.
    private struct Small {
        let head: EagleHead<Float>
        let texts: [TrainingSequence<Float>]
        let recipe: TrainingRecipe
        let plan = TrainingPlan(steps: 8, tokensPerBatch: 40, shares: 3)

        init() throws {
            var tiny = TinyHeads(seed: 31)
            head = try tiny.eagle()
            texts = (0..<10).map { tiny.sequence(4 + 3 * $0 % 11) }
            recipe = TrainingRecipe(seed: 5, peakLearningRate: 1e-3, totalSteps: 8, runs: 2)
        }

        func training(_ state: TrainingState<Float>? = nil) throws -> HeadTraining<EagleHead<Float>> {
            let trainer =
                try state.map { try HeadTrainer(head, recipe: recipe, state: $0) } ?? HeadTrainer(head, recipe: recipe)
            return HeadTraining(trainer, lengths: texts.map(\.count), plan: plan)
        }
    }

    @Test("parameters do not depend on the order in which parts are computed")
    func orderOfParts() throws {
        let small = try Small()
        var (forwards, backwards) = (try small.training(), try small.training())
        while !forwards.isDone {
            _ = try forwards.step(load: { small.texts[$0] }, map: { count, part in (0..<count).map(part) })
            _ = try backwards.step(load: { small.texts[$0] }) { count, part in
                Array((0..<count).reversed().map { part($0) }.reversed())
            }
        }
        #expect(forwards.step == 8)
        #expect(forwards.trainer.state == backwards.trainer.state)
    }

    @Test("a training that goes on from a checkpoint ends where one without a break does")
    func resuming() throws {
        let small = try Small()
        var whole = try small.training()
        var first = try small.training()
        func step(_ training: inout HeadTraining<EagleHead<Float>>) throws {
            _ = try training.step(load: { small.texts[$0] }, map: { count, part in (0..<count).map(part) })
        }
        for _ in 0..<3 { try step(&first) }
        let bytes = first.trainer.state.checkpoint(small.head.layout)
        var second = try small.training(TrainingState(checkpoint: bytes, small.head.layout))
        while !whole.isDone { try step(&whole) }
        while !second.isDone { try step(&second) }
        #expect(whole.trainer.state == second.trainer.state)
        #expect(whole.trainer.state != first.trainer.state)
    }

    @Test("parts are consecutive, none is empty, and their tokens differ by less than the longest text and a half")
    func parts() {
        var tiny = TinyHeads(seed: 32)
        for count in 1...40 {
            let lengths = (0..<count).map { _ in 1 + tiny.random.integer(below: 100) }
            for shares in 1...5 {
                let parts = TrainingPlan(steps: 1, shares: shares).parts(lengths: lengths)
                #expect(parts.count == min(shares, count))
                #expect(parts.flatMap(Array.init) == Array(lengths.indices))
                #expect(parts.allSatisfy { !$0.isEmpty })
                guard count >= 3 * shares else { continue }
                let tokens = parts.map { lengths[$0].reduce(0, +) }
                #expect((tokens.max() ?? 0) - (tokens.min() ?? 0) <= 150)
            }
        }
    }

    @Test("an error of one part is thrown, and no step is made")
    func failure() throws {
        let small = try Small()
        var training = try small.training()
        #expect(throws: TrainingDataError.self) {
            try training.step(
                load: { index in
                    TrainingSequence(tokens: small.texts[index].tokens, features: Matrix(rows: 0, columns: 8), top: [])
                },
                map: { count, part in (0..<count).map(part) }
            )
        }
        #expect(training.step == 0)
    }

    @Test("steps fit into a time, or make so many passes over the data")
    func steps() {
        #expect(TrainingPlan.steps(epochs: 2.5, tokens: 1000, tokensPerBatch: 100) == 25)
        #expect(TrainingPlan.steps(epochs: 0.001, tokens: 10, tokensPerBatch: 100) == 1)
        #expect(TrainingPlan.steps(fitting: 60, once: 1, severalTimes: 3) == 30)
        #expect(TrainingPlan.steps(fitting: 0, once: 1, severalTimes: 3) == 1)
        #expect(TrainingPlan.steps(fitting: 1e300, once: 0, severalTimes: 0) == 1_000_000_000)
    }
}
