/// By how many milliseconds passes end later than expected now and then: what one in a hundred exceeds.
///
/// The estimate climbs by as much at a pass that exceeds it as it sinks over a hundred that do not, so that it settles
/// where one in a hundred does. One stall of the machine, however long, moves it by a step.
struct PassOverrunEstimate: Sendable {
    private static let rarity = 100.0
    /// By how much of a pass's expected time the estimate climbs.
    private static let step = 0.05

    private(set) var milliseconds = 0.0

    init() {}

    mutating func record(expected: Double, actual: Double) {
        let step = expected * Self.step
        if actual - expected > milliseconds {
            milliseconds += step
        } else {
            milliseconds = max(0, milliseconds - step / Self.rarity)
        }
    }
}
