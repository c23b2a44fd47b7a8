/// What drafting has taught about a set of drafters. May be carried over to other sequences with the same drafters.
package struct DraftExperience: Sendable {
    /// How reliable each drafter's probabilities are, in the order of the drafters; empty before the first sequence.
    package var calibrations: [Calibration] = []
    /// Whom of them to trust where several have proposed something (``BeliefPool``).
    var scores: [[Double]] = []

    package init() {}
}
