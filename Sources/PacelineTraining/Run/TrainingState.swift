/// All that changes while a head is trained. Together with recipe and data it decides all later steps, so it is what a
/// checkpoint holds.
package struct TrainingState<Scalar: TrainingScalar>: Equatable, Sendable {
    /// How many steps have been made.
    package var step = 0
    /// In the head's layout, as are both moments of the optimiser.
    package var parameters: [Scalar]
    package var firstMoments: [Scalar]
    package var secondMoments: [Scalar]

    package init(parameters: [Scalar]) {
        self.parameters = parameters
        firstMoments = [Scalar](repeating: 0, count: parameters.count)
        secondMoments = firstMoments
    }
}
