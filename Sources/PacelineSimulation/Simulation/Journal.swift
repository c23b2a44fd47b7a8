import PacelineCluster

/// The record of a run: figures, a hash of everything that happened, and the first broken promise.
final class Journal {
    var statistics = SimulationStatistics()
    private(set) var violation: Violation?
    /// Whether a promise is broken. Stored, because it is asked at every piece that arrives.
    private(set) var isBroken = false
    /// When any client last got tokens.
    var lastTokensAt: Instant?
    /// When a fault last struck that can cost gateways a verifier or a connection to one.
    private(set) var lastBlow: Instant?
    /// A running hash of everything that happened.
    private(set) var trace: UInt64
    private let timeline: Timeline
    private let log: SimulationLog?

    init(seed: UInt64, timeline: Timeline, log: SimulationLog?) {
        trace = seed
        self.timeline = timeline
        self.log = log
    }

    /// Adds to the trace's hash.
    func mark(_ word: UInt64) {
        trace = (trace ^ word) &* 0x0000_0100_0000_01b3
        trace ^= trace >> 29
    }

    /// Counts a fault that struck.
    func count(_ fault: FaultKind) {
        statistics.faults[fault, default: 0] += 1
        if fault.isBlow { lastBlow = timeline.now }
    }

    /// Logs an event for people.
    func note(
        _ kind: String,
        from: @autoclosure () -> String? = nil,
        to: @autoclosure () -> String? = nil,
        _ detail: @autoclosure () -> String
    ) {
        guard let log else { return }
        log(SimulationEvent(at: timeline.now, kind: kind, from: from(), to: to(), detail: detail()))
    }

    /// Ends the run: a promise is broken.
    func fail(_ promise: Violation.Promise, _ detail: @autoclosure () -> String) {
        guard violation == nil else { return }
        let violation = Violation(promise, at: timeline.now, detail())
        (self.violation, isBroken) = (violation, true)
        note("violation", "\(violation)")
    }
}
