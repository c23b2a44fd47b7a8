/// A head whose parameters can be learned: it turns a batch into a loss and a gradient.
///
/// A head is a value that knows shapes and frozen parts. Its parameters are an array beside it, in its `layout`.
package protocol TrainableHead<Scalar>: Sendable {
    associatedtype Scalar: TrainingScalar

    /// The names and places of the parameters.
    var layout: ParameterLayout { get }

    /// Parameters to begin with, which depend on the seed alone.
    func initialParameters(seed: UInt64) -> [Scalar]

    /// Checks that the head can learn from a sequence.
    ///
    /// - Parameter index: the sequence's number, for the error.
    func check(_ sequence: TrainingSequence<Scalar>, index: Int) throws(TrainingDataError)

    /// The loss over some sequences of a batch.
    ///
    /// - Parameters:
    ///   - sequences: which `check` lets pass.
    ///   - conditions: what is drawn or scheduled, and how many sequences the whole batch has.
    ///   - gradient: the loss's derivative by the parameters is added to it.
    func losses(
        _ sequences: [TrainingSequence<Scalar>],
        _ conditions: LossConditions,
        parameters: [Scalar],
        addingGradientTo gradient: inout [Scalar]
    ) -> HeadLosses

    /// The same without a gradient, at less cost.
    func losses(
        _ sequences: [TrainingSequence<Scalar>],
        _ conditions: LossConditions,
        parameters: [Scalar]
    ) -> HeadLosses
}

/// What a loss depends on besides parameters and data.
package struct LossConditions: Equatable, Sendable {
    /// How many sequences the batch has. Each counts the same; a part of a batch gives its share of loss and gradient,
    /// so that parts can be computed on several threads and added.
    package var batchCount: Int
    /// Which of the batch's sequences is the first of the part.
    package var firstSequence: Int
    /// How often the head is run: once on the target's features, then on its own (HASS). At least 1.
    package var steps: Int
    /// Uniform noise on the target's features: its largest size in standard deviations of them, and its seed. The noise
    /// of a sequence depends on its place in the batch, not on the part.
    package var noise: Double
    package var noiseSeed: UInt64

    package init(
        batchCount: Int,
        firstSequence: Int = 0,
        steps: Int = 1,
        noise: Double = 0,
        noiseSeed: UInt64 = 0
    ) {
        (self.batchCount, self.firstSequence, self.steps) = (batchCount, firstSequence, steps)
        (self.noise, self.noiseSeed) = (noise, noiseSeed)
    }
}

/// The losses of a batch, averaged over the rows of a sequence and then over sequences.
package struct HeadLosses: Equatable, Sendable {
    /// One run of the head, or one of Medusa's heads.
    package struct Part: Equatable, Sendable {
        /// SmoothL1 of the guessed features; 0 for heads that guess none.
        package var feature = 0.0
        /// Cross entropy with the target's most probable tokens.
        package var token = 0.0
        /// The share of rows whose first choice is the target's. It is teacher-forced: the target's text is given.
        package var agreement = 0.0

        package init(feature: Double = 0, token: Double = 0, agreement: Double = 0) {
            (self.feature, self.token, self.agreement) = (feature, token, agreement)
        }
    }

    /// What is minimised: the parts' losses with their weights.
    package var total = 0.0
    package var parts: [Part] = []

    package init() {}

    /// Adds the share of other sequences of the same batch.
    package mutating func add(_ other: HeadLosses) {
        total += other.total
        while parts.count < other.parts.count { parts.append(Part()) }
        for (index, part) in other.parts.enumerated() {
            parts[index].feature += part.feature
            parts[index].token += part.token
            parts[index].agreement += part.agreement
        }
    }
}
