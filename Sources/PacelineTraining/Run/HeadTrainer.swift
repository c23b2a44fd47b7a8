/// Trains a head: batches in, losses out.
///
/// It has no clock, no files and no randomness besides the recipe's seed, so that the same batches, divided alike, give
/// the same parameters, bit for bit, on one machine.
package struct HeadTrainer<Head: TrainableHead>: Sendable {
    package typealias Scalar = Head.Scalar

    package let head: Head
    package let recipe: TrainingRecipe
    package private(set) var state: TrainingState<Scalar>

    /// Starts anew.
    ///
    /// - Parameter parameters: to begin with, in the head's layout; its own unless given.
    package init(_ head: Head, recipe: TrainingRecipe, parameters: [Scalar]? = nil) throws(TrainingDataError) {
        let parameters = parameters ?? head.initialParameters(seed: recipe.seed)
        try self.init(head, recipe: recipe, state: TrainingState(parameters: parameters))
    }

    /// Goes on from a state.
    package init(_ head: Head, recipe: TrainingRecipe, state: TrainingState<Scalar>) throws(TrainingDataError) {
        guard state.parameters.count == head.layout.count else {
            throw .parameterCount(found: state.parameters.count, expected: head.layout.count)
        }
        (self.head, self.recipe, self.state) = (head, recipe, state)
    }

    /// What a step did.
    package struct Report: Equatable, Sendable {
        /// Before the step's update.
        package var losses: HeadLosses
        package var learningRate: Double
        /// Before clipping.
        package var gradientNorm: Double
    }

    /// The losses of some sequences of a batch, and their gradient.
    package struct Share: Sendable {
        package var losses: HeadLosses
        /// In the head's layout.
        package var gradient: [Scalar]
    }

    /// Makes one step on the calling thread.
    ///
    /// - Parameter batch: at least one sequence; the more rows, the better the products' speed (1,024 are enough).
    /// - Throws: before anything changes, if the head cannot learn from a sequence.
    package mutating func step(on batch: [TrainingSequence<Scalar>]) throws(TrainingDataError) -> Report {
        step([try share(of: batch[...], in: batch.count)])
    }

    /// Computes a part of the next step; parts may be computed at the same time, on threads of their own.
    ///
    /// - Parameters:
    ///   - part: consecutive sequences of a batch, at least one, with their indices in it.
    ///   - batchCount: how many sequences the whole batch has.
    package func share(
        of part: ArraySlice<TrainingSequence<Scalar>>,
        in batchCount: Int
    ) throws(TrainingDataError) -> Share {
        guard !part.isEmpty else { throw .emptyBatch }
        for (index, sequence) in zip(part.indices, part) { try head.check(sequence, index: index) }
        let conditions = LossConditions(
            batchCount: batchCount,
            firstSequence: part.startIndex,
            steps: recipe.runs(step: state.step),
            noise: recipe.featureNoise,
            noiseSeed: recipe.noiseSeed(step: state.step)
        )
        var gradient = [Scalar](repeating: 0, count: state.parameters.count)
        let losses = head.losses(
            Array(part),
            conditions,
            parameters: state.parameters,
            addingGradientTo: &gradient
        )
        return Share(losses: losses, gradient: gradient)
    }

    /// Makes the step whose parts have been computed.
    ///
    /// - Parameter shares: of all parts of one batch, at least one; their order decides the rounding of their sum.
    package mutating func step(_ shares: [Share]) -> Report {
        precondition(!shares.isEmpty, "a step has at least one share")
        var whole = shares[0]
        for share in shares.dropFirst() {
            whole.losses.add(share.losses)
            addScaled(&whole.gradient, 1, share.gradient, share.gradient.count)
        }
        let rate = recipe.learningRate.rate(step: state.step)
        let (norm, scale) = recipe.clipping.apply(to: &whole.gradient)
        recipe.optimiser.update(
            &state,
            layout: head.layout,
            gradient: whole.gradient,
            gradientScale: scale,
            learningRate: rate
        )
        return Report(losses: whole.losses, learningRate: rate, gradientNorm: norm)
    }

    /// The losses on sequences that are not trained on, without noise.
    ///
    /// - Parameter runs: how often the head runs on its own features, as in the recipe's last steps unless given.
    package func evaluate(
        _ sequences: [TrainingSequence<Scalar>],
        runs: Int? = nil
    ) throws(TrainingDataError) -> HeadLosses {
        guard !sequences.isEmpty else { throw .emptyBatch }
        for (index, sequence) in sequences.enumerated() { try head.check(sequence, index: index) }
        let runs = runs ?? recipe.runs(step: .max)
        let conditions = LossConditions(batchCount: sequences.count, steps: runs)
        return head.losses(sequences, conditions, parameters: state.parameters)
    }
}
