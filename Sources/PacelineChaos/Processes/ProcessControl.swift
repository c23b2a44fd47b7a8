import CPacelineProcess
import Glibc

/// Sends signals to processes, and sees to it that they do what they were told.
package enum ProcessControl {
    /// How long a process may take to stop, and to be gone: what holds many gigabytes takes its time.
    private static let patience = (stop: Duration.seconds(1), end: Duration.seconds(10))
    private static let pause: UInt32 = 2000

    /// Sends a signal to a process and, if asked for, to its descendants.
    ///
    /// Returns when all have ended or stopped, if the signal forces that. Blocks its thread until then, as a rule for
    /// milliseconds, at most ten seconds.
    ///
    /// - Returns: those that were told.
    /// - Throws: ``ProcessError``; what was stopped goes on again then.
    @discardableResult
    package static func send(
        _ signal: ProcessSignal,
        to entry: ProcessEntry,
        withDescendants: Bool
    ) throws(ProcessError) -> [ProcessEntry] {
        switch signal {
        case .stop: return try stop(entry, withDescendants: withDescendants, mustStop: true)
        case .kill:
            // A stopped process has no more children that could escape. One that does not stop is killed anyway.
            let family = withDescendants ? try stop(entry, withDescendants: true, mustStop: false) : [entry]
            for member in family { try tell(member, .kill) }
            try wait(patience.end, for: family, "gone") { $0.hasEnded }
            return family
        default:
            let family = [entry] + (withDescendants ? descendants(of: entry) : [])
            for member in family { try tell(member, signal) }
            return family
        }
    }

    /// Lets processes go on that were stopped, if they are still there.
    package static func resume(_ entries: [ProcessEntry]) {
        // One that may not be told any more cannot be helped.
        for entry in entries { _ = try? tell(entry, .resume) }
    }

    /// Whether it is still there.
    static func isAlive(_ entry: ProcessEntry) -> Bool {
        guard let now = ProcessTable.entry(entry.pid) else { return false }
        return now.startTime == entry.startTime && !now.hasEnded
    }

    /// Stops a process and, if asked for, its descendants, which then have no more children.
    ///
    /// - Parameter mustStop: whether it is an error that one does not.
    /// - Throws: ``ProcessError``, and lets all go on.
    private static func stop(
        _ entry: ProcessEntry,
        withDescendants: Bool,
        mustStop: Bool
    ) throws(ProcessError) -> [ProcessEntry] {
        var family: [ProcessEntry] = []
        var more = [entry]
        do throws(ProcessError) {
            while !more.isEmpty {
                for member in more { try tell(member, .stop) }
                family += more
                do throws(ProcessError) {
                    try wait(patience.stop, for: more, "stopped") { $0.isStopped || $0.hasEnded }
                } catch {
                    if mustStop { throw error }
                }
                let known = Set(family.map(\.pid))
                more = withDescendants ? descendants(of: entry).filter { !known.contains($0.pid) } : []
            }
        } catch {
            // The order to stop still holds for one that has not obeyed yet.
            resume(family + more)
            throw error
        }
        return family
    }

    private static func descendants(of entry: ProcessEntry) -> [ProcessEntry] {
        ProcessTable().descendants(of: entry.pid).filter { !$0.hasEnded }
    }

    /// Sends a signal if the process is still there.
    ///
    /// By a descriptor, since the number may belong to another process at any moment.
    static func tell(_ entry: ProcessEntry, _ signal: ProcessSignal) throws(ProcessError) {
        let descriptor = pl_process_open(entry.pid)
        guard descriptor >= 0 else { return try check(errno, entry, signal) }
        defer { _ = close(descriptor) }
        guard ProcessTable.entry(entry.pid)?.startTime == entry.startTime else { return }
        if pl_process_signal(descriptor, signal.number) != 0 { try check(errno, entry, signal) }
    }

    private static func check(_ code: Int32, _ entry: ProcessEntry, _ signal: ProcessSignal) throws(ProcessError) {
        switch code {
        case ESRCH: return
        case EPERM: throw .notPermitted(entry.pid)
        default: throw .refused(entry.pid, signal: signal.words, reason: String(cString: strerror(code)))
        }
    }

    private static func wait(
        _ patience: Duration,
        for entries: [ProcessEntry],
        _ expected: String,
        _ isDone: (ProcessEntry) -> Bool
    ) throws(ProcessError) {
        let deadline = ContinuousClock.now + patience
        for entry in entries {
            while let now = ProcessTable.entry(entry.pid), now.startTime == entry.startTime, !isDone(now) {
                guard ContinuousClock.now < deadline else { throw .unchanged(entry.pid, expected: expected) }
                usleep(pause)
            }
        }
    }
}
