/// When a thread that learns in idle time may work: after a while without anything to serve, and not more of the time
/// than its share.
///
/// It only decides; moments and readings come from outside.
package struct LearningPace: Equatable, Sendable {
    package enum Decision: Equatable, Sendable {
        /// Do a short piece of work, and report it by ``worked(_:now:)``.
        case work
        /// Ask again after this time.
        case wait(Duration)
    }

    /// The share of one processor's time, above 0 and at most 1.
    package let share: Double
    /// How long nothing must have been served.
    package let quiet: Duration
    /// How often to look whether that is so.
    private let interval: Duration
    private var stamp: UInt64?
    /// Since when nothing has been served.
    private var quietSince = Instant.zero
    /// Until when it rests from its last piece of work.
    private var restsUntil = Instant.zero

    package init(share: Double, quiet: Duration = .milliseconds(250), interval: Duration = .milliseconds(50)) {
        precondition(share > 0 && share <= 1)
        (self.share, self.quiet, self.interval) = (share, quiet, interval)
    }

    package mutating func next(_ reading: ServingActivity.Reading, now: Instant) -> Decision {
        if reading.isServing || stamp != reading.stamp {
            (stamp, quietSince) = (reading.stamp, now)
        }
        let start = max(quietSince.advanced(by: quiet), restsUntil)
        guard start > now else { return .work }
        // What is served meanwhile must be seen.
        return .wait(min(interval, now.duration(to: start)))
    }

    /// - Parameter time: of a processor that the piece has taken.
    package mutating func worked(_ time: Duration, now: Instant) {
        restsUntil = now.advanced(by: time * (1 / share - 1))
    }
}
