/// Judges from its progress whether the compute thread of this process is alive.
///
/// An idle compute thread is alive. A busy one is alive if its stamp moved within `stallLimit`. Heartbeats are sent and
/// answered only while the thread is alive. The engine moves the stamp between layers, so a pass may take seconds; a
/// pass that hangs is noticed.
package struct ComputeWatchdog: Sendable {
    /// How long a busy thread may show no progress.
    package let stallLimit: Duration
    private var lastProgress: Instant?

    package init(stallLimit: Duration) {
        self.stallLimit = stallLimit
    }

    /// When the thread counts as hung unless it makes progress first; nil while idle.
    package var deadline: Instant? {
        lastProgress.map { $0 + stallLimit }
    }

    /// A job was handed to the compute thread.
    package mutating func began(now: Instant) {
        lastProgress = now
    }

    /// The stamp moved.
    package mutating func progressed(now: Instant) {
        guard lastProgress != nil else { return }
        lastProgress = now
    }

    /// The compute thread is idle again.
    package mutating func ended() {
        lastProgress = nil
    }

    package func isAlive(now: Instant) -> Bool {
        isAlive(now: now, limit: stallLimit)
    }

    /// The same with a limit of one's own.
    package func isAlive(now: Instant, limit: Duration) -> Bool {
        lastProgress.map { now < $0 + limit } ?? true
    }
}
