import Synchronization

/// The stamp by which a compute thread shows that it is at work rather than stuck.
///
/// An engine advances it between layers, chunks or draft steps. The event loop answers heartbeats only while the stamp
/// moves (see ``ComputeWatchdog``). So a process whose arithmetic hangs falls silent like a stopped one, while a pass
/// that is merely long does not.
package final class ComputeProgress: Sendable {
    private let count = Atomic<UInt64>(0)
    private let cancelled = Atomic<Bool>(false)

    package init() {}

    /// How often the stamp has moved.
    package var stamp: UInt64 {
        count.load(ordering: .relaxed)
    }

    /// Whether the process is shutting down; a long pass should stop early and throw `ComputeCancelled`.
    package var isCancelled: Bool {
        cancelled.load(ordering: .relaxed)
    }

    /// Moves the stamp.
    package func advance() {
        count.add(1, ordering: .relaxed)
    }

    /// Asks the running pass to stop at its next convenient point.
    package func cancel() {
        cancelled.store(true, ordering: .relaxed)
    }
}

/// Thrown by an engine that noticed `ComputeProgress.isCancelled`.
package struct ComputeCancelled: Error, CustomStringConvertible {
    package init() {}

    package var description: String {
        "the process is shutting down"
    }
}
