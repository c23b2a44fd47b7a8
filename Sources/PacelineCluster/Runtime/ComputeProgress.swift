import Synchronization

/// The stamp by which a compute thread shows that it is at work rather than stuck.
///
/// An engine advances it between layers, chunks or draft steps. The event loop answers heartbeats only while the stamp
/// moves (see ``ComputeWatchdog``). So a process whose arithmetic hangs falls silent like a stopped one, while a pass
/// that is merely long does not.
package final class ComputeProgress: Sendable {
    private let count = Atomic<UInt64>(0)

    package init() {}

    /// How often the stamp has moved.
    package var stamp: UInt64 {
        count.load(ordering: .relaxed)
    }

    /// Moves the stamp.
    package func advance() {
        count.add(1, ordering: .relaxed)
    }
}
