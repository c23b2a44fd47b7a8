import NIOCore

/// The production source of `Instant`: NIO's monotonic clock, counted from when the shell was made.
///
/// Wall time never enters a decision, so a clock that jumps cannot hurt a request.
struct MonotonicClock: Sendable {
    private let start = NIODeadline.now()

    func now() -> Instant {
        let elapsed = NIODeadline.now() - start
        return Instant(nanoseconds: UInt64(max(0, elapsed.nanoseconds)))
    }

    /// The NIO deadline at which `instant` will have come.
    func deadline(for instant: Instant) -> NIODeadline {
        start + .nanoseconds(Int64(clamping: instant.nanoseconds))
    }
}
