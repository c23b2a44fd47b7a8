/// A training from its first step to its last: which sequences make each batch, and how a batch is divided.
///
/// The division depends on the batch alone, and the parts' gradients are added in their order. So the parameters depend
/// on recipe, plan and data, and not on how many threads compute the parts.
package struct HeadTraining<Head: TrainableHead>: Sendable {
    package typealias Scalar = Head.Scalar
    package typealias Part = Result<HeadTrainer<Head>.Share, TrainingDataError>

    package let plan: TrainingPlan
    package private(set) var trainer: HeadTrainer<Head>
    private var order: BatchOrder

    /// Goes on behind the steps that the trainer has made.
    ///
    /// - Parameter lengths: tokens of each sequence; not empty.
    package init(_ trainer: HeadTrainer<Head>, lengths: [Int], plan: TrainingPlan) {
        (self.trainer, self.plan) = (trainer, plan)
        order = BatchOrder(
            lengths: lengths,
            tokensPerBatch: plan.tokensPerBatch,
            seed: trainer.recipe.seed,
            afterStep: trainer.state.step
        )
    }

    package var step: Int { trainer.state.step }
    package var isDone: Bool { step >= plan.steps }

    /// Makes the next step.
    ///
    /// - Parameters:
    ///   - load: reads a sequence by its index.
    ///   - map: computes parts 0 ..< count, each on any thread, and returns them in order.
    /// - Throws: what `load` throws, or ``TrainingDataError``; no step is made then, but its batch is skipped.
    package mutating func step(
        load: (Int) throws -> TrainingSequence<Scalar>,
        map: (_ count: Int, _ part: (Int) -> Part) -> [Part]
    ) throws -> HeadTrainer<Head>.Report {
        let batch = try order.next().map(load)
        let parts = plan.parts(lengths: batch.map(\.count))
        let shares = try compute(batch, parts, map)
        return trainer.step(shares)
    }

    /// Computes a batch's parts, whose division `parts` is.
    package func compute(
        _ batch: [TrainingSequence<Scalar>],
        _ parts: [Range<Int>],
        _ map: (_ count: Int, _ part: (Int) -> Part) -> [Part]
    ) throws -> [HeadTrainer<Head>.Share] {
        try map(parts.count) { index in
            do throws(TrainingDataError) {
                return .success(try trainer.share(of: batch[parts[index]], in: batch.count))
            } catch {
                return .failure(error)
            }
        }
        .map { try $0.get() }
    }
}

/// How long a training is, and how batches are made and divided.
package struct TrainingPlan: Equatable, Sendable {
    package var steps: Int
    package var tokensPerBatch: Int
    /// Parts of a batch, if it has as many sequences. More parts than threads only cost memory and speed.
    package var shares: Int

    package init(steps: Int, tokensPerBatch: Int = 2048, shares: Int = 2) {
        (self.steps, self.tokensPerBatch, self.shares) = (steps, tokensPerBatch, shares)
    }

    /// The steps of some passes over all data.
    package static func steps(epochs: Double, tokens: Int, tokensPerBatch: Int) -> Int {
        max(1, Int((epochs * Double(tokens) / Double(tokensPerBatch)).rounded()))
    }

    /// The steps that fit into a time, if half of them run the head once and half of them several times.
    ///
    /// - Parameters:
    ///   - seconds: what there is for steps.
    ///   - once, severalTimes: what a step takes.
    package static func steps(fitting seconds: Double, once: Double, severalTimes: Double) -> Int {
        let mean = max(1e-6, (once + severalTimes) / 2)
        return max(1, Int(min(1e9, seconds / mean)))
    }

    /// Consecutive sequences that have about as many tokens as those of any other part.
    package func parts(lengths: [Int]) -> [Range<Int>] {
        let (total, count) = (lengths.reduce(0, +), min(shares, lengths.count))
        var (parts, start, tokens) = ([Range<Int>](), 0, 0)
        for (index, length) in lengths.enumerated() {
            tokens += length
            let left = lengths.count - index - 1
            let needed = count - parts.count - 1
            guard needed > 0, left >= needed else { continue }
            // A part ends where the share of tokens is nearest to its due, or where only one sequence is left for each
            // of the others.
            let due = total * (parts.count + 1) / count
            guard tokens + (lengths[index + 1] / 2) >= due || left == needed else { continue }
            parts.append(start..<index + 1)
            start = index + 1
        }
        if start < lengths.count { parts.append(start..<lengths.count) }
        return parts
    }
}
