import PacelineSpeculation

/// A moment on a monotonic clock: nanoseconds since the process (or the simulation) started.
///
/// The machines of this target never read a clock; the shell hands them the present moment with every event.
package struct Instant: Hashable, Comparable, Sendable, InstantProtocol {
    package typealias Duration = Swift.Duration

    /// Nanoseconds since start.
    package let nanoseconds: UInt64

    /// The start of time.
    package static let zero = Instant(nanoseconds: 0)

    package init(nanoseconds: UInt64) {
        self.nanoseconds = nanoseconds
    }

    package static func < (left: Instant, right: Instant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// The moment `duration` later (or earlier, if negative); sticks at either end of time instead of trapping.
    package func advanced(by duration: Duration) -> Instant {
        let span = duration.saturatedNanoseconds
        if span >= 0 {
            let (sum, overflow) = nanoseconds.addingReportingOverflow(UInt64(span))
            return Instant(nanoseconds: overflow ? .max : sum)
        }
        let (difference, underflow) = nanoseconds.subtractingReportingOverflow(span.magnitude)
        return Instant(nanoseconds: underflow ? 0 : difference)
    }

    /// The time from here to `other`, negative if `other` is earlier.
    package func duration(to other: Instant) -> Duration {
        let forward = other.nanoseconds >= nanoseconds
        let distance = forward ? other.nanoseconds - nanoseconds : nanoseconds - other.nanoseconds
        let span = Int64(clamping: distance)
        return .nanoseconds(forward ? span : -span)
    }

    /// The earlier of two moments, of which nil is none.
    package static func earlier(_ one: Instant?, _ other: Instant?) -> Instant? {
        guard let one, let other else { return one ?? other }
        return min(one, other)
    }

    package static func + (instant: Instant, duration: Duration) -> Instant {
        instant.advanced(by: duration)
    }

    package static func - (end: Instant, start: Instant) -> Duration {
        start.duration(to: end)
    }
}
