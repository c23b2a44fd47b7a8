import Logging
import Synchronization

/// Notices workers that end while generation goes on without them.
final class WorkerWatch: Sendable {
    private let lost = Mutex(0)
    private let logger = Logger(label: "paceline.generate")

    /// Workers that have ended.
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
            // A worker that was told to end has ended well.
            guard reason != nil || exit != .status(0) else { return }
            logger.warning("\(label) ended, generation goes on without it: \(reason ?? "\(exit)")")
        }
    }
}
