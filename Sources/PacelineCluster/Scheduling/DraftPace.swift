/// The rhythm in which drafts for one sequence arrive, learned while serving: when the next delta is due, and how many
/// expected tokens it will add.
///
/// Waiting is earned by having delivered in time: before the first arrival there is no prediction, and each wait in vain
/// or late delta makes the next prediction promise less, so that a worker which stalls now and then costs little.
struct DraftPace: Sendable {
    struct Prediction: Equatable, Sendable {
        var due: Instant
        /// Expected tokens that the delta adds to the best tree.
        var gain: Double
    }

    /// Deltas within a round that are told apart; later ones count as the last.
    private static let depth = 8
    private static let smoothing = 0.25

    private struct Step: Sendable {
        var gap: Double?
        var gain = 0.0

        mutating func observe(gap observedGap: Double, gain observedGain: Double) {
            guard let known = gap else {
                gap = observedGap
                gain = observedGain
                return
            }
            gap = known + (observedGap - known) * smoothing
            gain += (observedGain - gain) * smoothing
        }
    }

    private var steps = [Step](repeating: Step(), count: depth)
    private var arrivals = 0
    private var lastEvent = Instant.zero
    private var mass = 0.0
    /// The share of predictions that came true, on a moving average.
    private var punctuality = 1.0

    init() {}

    /// The sequence has a new base: the next arrival is the first of its round.
    ///
    /// - Parameter mass: expected tokens of what survived.
    mutating func committed(mass: Double, now: Instant) {
        arrivals = 0
        lastEvent = now
        self.mass = mass
    }

    /// A delta came, and the tree is now worth `mass` expected tokens.
    mutating func arrived(mass newMass: Double, now: Instant) {
        let step = min(arrivals, Self.depth - 1)
        if steps[step].gap != nil { observe(isPunctual: prediction(now: now) != nil) }
        steps[step].observe(gap: (now - lastEvent).inMilliseconds, gain: max(0, newMass - mass))
        arrivals += 1
        lastEvent = now
        mass = newMass
    }

    /// A pass waited for this sequence and nothing came.
    mutating func missed() {
        observe(isPunctual: false)
    }

    /// The next delta; nil if nothing is known, or if it is overdue by more than its usual gap.
    func prediction(now: Instant) -> Prediction? {
        let step = steps[min(arrivals, Self.depth - 1)]
        guard let gap = step.gap, step.gain > 0 else { return nil }
        let due = lastEvent + .fromMilliseconds(gap)
        let limit = due + .fromMilliseconds(max(1, gap / 2))
        guard now < limit else { return nil }
        return Prediction(due: max(due, now), gain: step.gain * punctuality)
    }

    private mutating func observe(isPunctual: Bool) {
        punctuality += ((isPunctual ? 1 : 0) - punctuality) * Self.smoothing
    }
}
