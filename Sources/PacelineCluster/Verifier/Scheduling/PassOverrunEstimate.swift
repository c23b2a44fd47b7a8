/// How late passes can be: the milliseconds beyond the expected time that one pass in a hundred exceeds.
///
/// One pass that exceeds the estimate raises it by as much as a hundred passes that do not lower it. So it settles
/// where one pass in a hundred exceeds it. One stall of the machine, however long, moves it by one step.
struct PassOverrunEstimate: Sendable {
    private static let rarity = 100.0
    /// The share of a pass's expected time by which the estimate rises.
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
