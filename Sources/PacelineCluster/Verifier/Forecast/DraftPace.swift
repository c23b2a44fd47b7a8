import PacelineSpeculation

/// How long a worker's turns take, by the times at which it sends nodes.
///
/// Turns follow one another while some tree is not final. What comes after a final tree says nothing: the worker may
/// have waited for a verdict.
struct DraftPace: Sendable, Hashable {
    private static let weight = 0.1
    /// Longer intervals count as so many times the average: something else came in between.
    private static let outlierRatio = 2.0
    private static let trial = 8

    private var last: Instant?
    private var average = 0.0
    private var count = 0

    init() {}

    /// Nodes came.
    ///
    /// - Parameter isFinal: whether the worker has no more for this sequence.
    mutating func heard(isFinal: Bool, now: Instant) {
        if let last { observe((now - last).inMilliseconds) }
        last = isFinal ? nil : now
    }

    private mutating func observe(_ interval: Double) {
        count += 1
        guard count > 1 else { return average = interval }
        // The first may have been an outlier itself.
        let weight = max(Self.weight, 1 / Double(count))
        average += (min(interval, Self.outlierRatio * average) - average) * weight
    }

    /// Milliseconds of a turn; nil before there is evidence.
    var stepMilliseconds: Double? { count >= Self.trial ? average : nil }
}
