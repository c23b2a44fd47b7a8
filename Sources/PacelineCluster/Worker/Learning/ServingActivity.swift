import Synchronization

/// What tells a thread that learns in idle time whether anything is being served.
package final class ServingActivity: Sendable {
    /// What it looked like at a moment.
    package struct Reading: Equatable, Sendable {
        /// Whether there is a sequence to draft for.
        package var isServing: Bool
        /// Has moved if anything was computed since another reading.
        package var stamp: UInt64

        package init(isServing: Bool, stamp: UInt64) {
            (self.isServing, self.stamp) = (isServing, stamp)
        }
    }

    private let open = Atomic<Int>(0)
    private let jobs = Atomic<UInt64>(0)
    private let watched = Mutex<[ComputeProgress]>([])

    package init() {}

    /// Counts the work of another thread too, such as the target's.
    package func watch(_ progress: ComputeProgress) {
        watched.withLock { $0.append(progress) }
    }

    /// A drafting thread begins a job.
    func began() {
        jobs.add(1, ordering: .relaxed)
    }

    /// It has ended the job, and now there are sequences to draft for, or none.
    func ended(open count: Int) {
        open.store(count, ordering: .relaxed)
        jobs.add(1, ordering: .relaxed)
    }

    package var reading: Reading {
        let others = watched.withLock { $0.reduce(0) { $0 &+ $1.stamp } }
        return Reading(
            isServing: open.load(ordering: .relaxed) > 0,
            stamp: jobs.load(ordering: .relaxed) &+ others
        )
    }
}
