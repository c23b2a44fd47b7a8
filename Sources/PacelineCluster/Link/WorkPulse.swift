/// Whether the work loop of this process is alive, judged from the progress that its compute thread shows.
///
/// An idle compute thread is alive. A busy one is alive while its stamp moved within `stallLimit`. Heartbeats go out
/// and are answered only while the pulse is alive, which is what makes them come from the work loop: a pass that lasts
/// seconds keeps the pulse because it stamps between layers, and one that hangs loses it.
package struct WorkPulse: Sendable {
    /// How long a busy thread may show no progress.
    package let stallLimit: Duration
    private var lastProgress: Instant?

    package init(stallLimit: Duration) {
        self.stallLimit = stallLimit
    }

    /// When the pulse is lost unless progress comes first; nil while idle.
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
        guard let deadline else { return true }
        return now < deadline
    }
}
