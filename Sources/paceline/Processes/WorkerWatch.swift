import Logging
import PacelineChaos
import Synchronization

/// Counts and logs workers that end while generation goes on without them.
final class WorkerWatch: Sendable {
    private let lost = Mutex(0)
    private let logger = Logger(label: "paceline.generate")

    /// How many workers have ended.
    var lostCount: Int { lost.withLock { $0 } }

    /// Follows a worker until its process ends.
    func watch(_ worker: ChildProcess, label: String) {
        Task {
            var reason: String?
            for await announcement in worker.announcements where announcement.event == .failed {
                reason = announcement.message
            }
            lost.withLock { $0 += 1 }
            let exit = await worker.exit()
            // A worker with status 0 was told to end.
            guard reason != nil || exit != .status(0) else { return }
            logger.warning("\(label) ended; generation goes on without it: \(reason ?? "\(exit)")")
        }
    }
}
