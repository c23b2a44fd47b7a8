import Synchronization

/// The latest snapshot of a worker, where any thread reads it without waiting for an event loop or a draft step.
package final class WorkerBoard: Sendable {
    private let state: Mutex<WorkerSnapshot>

    package init(_ snapshot: WorkerSnapshot) {
        state = Mutex(snapshot)
    }

    package var latest: WorkerSnapshot { state.withLock { $0 } }

    func publish(_ snapshot: WorkerSnapshot) {
        // The old figures are freed behind the lock.
        _ = state.withLock { state in
            defer { state = snapshot }
            return state
        }
    }
}
