import PacelineSpeculation

/// Learns the rhythm in which drafts for one sequence arrive: when the next delta is due, and how many expected tokens
/// it will add.
///
/// It tells two rhythms apart. While a tree is alive below the base its workers go on growing it, so deltas come at the
/// pace of their steps. Once a verdict has left the tree, nothing comes until a worker has the verdict, has taken a
/// step and has sent its nodes. What a delta adds depends on the tree: the deeper it is, the less likely its next level
/// is reached.
///
/// Workers earn waiting by delivering in time. Before the first arrivals there is no prediction. Each late delta or
/// useless wait lowers the gain that the next one promises. So a worker that sometimes stalls costs little.
struct DraftArrivalPredictor: Sendable {
    struct Prediction: Equatable, Sendable {
        var due: Instant
        /// Expected tokens that the delta adds to the best tree.
        var gain: Double
    }

    /// A running average that starts with its first value.
    private struct Average: Sendable {
        private(set) var value: Double?

        mutating func observe(_ new: Double) {
            value = value.map { $0 + (new - $0) * DraftArrivalPredictor.weight } ?? new
        }
    }

    private static let weight = 0.2
    /// Upper bounds, in expected tokens, of the groups of trees whose gains are averaged.
    private static let worthEdges = [0, 0.5, 1, 1.5, 2, 3, 4, 6]

    /// Milliseconds from one delta to the next while the tree is alive.
    private var interval = Average()
    /// Milliseconds from a verdict that left the tree to the first delta of the next.
    private var latency = Average()
    /// The expected tokens that a delta adds, by the group of the tree it adds to; see ``worthEdges``.
    private var gains = [Average](repeating: Average(), count: worthEdges.count + 1)
    private var lastArrival: Instant?
    /// When the base last grew, if nothing of the tree survived it and nothing has come since.
    private var emptySince: Instant?
    private var worth = 0.0
    /// The share of predictions that came true, on a moving average.
    private var punctuality = 1.0

    init() {}

    /// The sequence has a new base.
    ///
    /// - Parameter worth: expected tokens of what survived.
    mutating func committed(worth newWorth: Double, now: Instant) {
        worth = newWorth
        if worth == 0 { emptySince = now }
    }

    /// A delta came, and the tree is now worth `worth` expected tokens.
    mutating func arrived(worth newWorth: Double, now: Instant) {
        // A delta below an earlier base arrives, but adds nothing.
        if emptySince != nil, newWorth == 0 { return }
        if gap != nil { observe(isPunctual: prediction(now: now) != nil) }
        if let start = emptySince {
            latency.observe((now - start).inMilliseconds)
            emptySince = nil
        } else if let lastArrival {
            interval.observe((now - lastArrival).inMilliseconds)
        }
        gains[Self.bucket(worth)].observe(max(0, newWorth - worth))
        lastArrival = now
        worth = newWorth
    }

    /// A pass waited for this sequence and nothing came.
    mutating func missed() {
        observe(isPunctual: false)
    }

    /// The next delta; nil if nothing is known, or if the delta is overdue by half its usual gap.
    func prediction(now: Instant) -> Prediction? {
        guard let gap, let start = emptySince ?? lastArrival else { return nil }
        guard let gain = gains[Self.bucket(worth)].value, gain > 0 else { return nil }
        let due = start + .fromMilliseconds(gap)
        guard now < due + .fromMilliseconds(max(1, gap / 2)) else { return nil }
        return Prediction(due: max(due, now), gain: gain * punctuality)
    }

    /// Milliseconds until the next delta, usually.
    private var gap: Double? {
        emptySince == nil ? interval.value : latency.value ?? interval.value
    }

    private mutating func observe(isPunctual: Bool) {
        punctuality += ((isPunctual ? 1 : 0) - punctuality) * Self.weight
    }

    private static func bucket(_ worth: Double) -> Int {
        worthEdges.firstIndex { worth <= $0 } ?? worthEdges.count
    }
}
