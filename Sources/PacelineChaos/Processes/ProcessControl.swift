import Glibc

/// Sends signals to processes, and sees to it that they do what they were told.
package enum ProcessControl {
    /// How long a signal may take to be seen.
    private static let patience = Duration.seconds(1)
    private static let pause: UInt32 = 2000

    /// Sends a signal to a process and, if asked for, to its descendants.
    ///
    /// Returns when all have ended or stopped, if the signal forces that. Blocks its thread until then, at most a
    /// second.
    ///
    /// - Returns: those that were told.
    /// - Throws: ``ProcessError``.
    @discardableResult
    package static func send(
        _ signal: ProcessSignal,
        to entry: ProcessEntry,
        withDescendants: Bool
    ) throws(ProcessError) -> [ProcessEntry] {
        let freezes = withDescendants && (signal == .kill || signal == .stop)
        let family = freezes ? try freeze(entry) : [entry] + (withDescendants ? descendants(of: entry) : [])
        if signal != .stop || !freezes {
            for member in family { try tell(member, signal) }
        }
        switch signal {
        case .kill: try wait(for: family, "gone") { $0.hasEnded }
        case .stop: try wait(for: family, "stopped") { $0.isStopped || $0.hasEnded }
        default: break
        }
        return family
    }

    /// Lets processes go on that were stopped, if they are still there.
    package static func resume(_ entries: [ProcessEntry]) {
        // One that may not be told any more cannot be helped.
        for entry in entries { _ = try? tell(entry, .resume) }
    }

    /// Stops a process and its descendants; a stopped process has no more children.
    ///
    /// - Throws: ``ProcessError``, and lets all go on.
    private static func freeze(_ entry: ProcessEntry) throws(ProcessError) -> [ProcessEntry] {
        var family: [ProcessEntry] = []
        var more = [entry]
        do {
            while !more.isEmpty {
                for member in more { try tell(member, .stop) }
                family += more
                try wait(for: more, "stopped") { $0.isStopped || $0.hasEnded }
                let known = Set(family.map(\.pid))
                more = descendants(of: entry).filter { !known.contains($0.pid) }
            }
        } catch {
            resume(family + more)
            throw error
        }
        return family
    }

    private static func descendants(of entry: ProcessEntry) -> [ProcessEntry] {
        ProcessTable().descendants(of: entry.pid).filter { !$0.hasEnded }
    }

    private static func tell(_ entry: ProcessEntry, _ signal: ProcessSignal) throws(ProcessError) {
        // The number may belong to another process by now.
        guard isThere(entry), Glibc.kill(entry.pid, signal.number) != 0 else { return }
        switch errno {
        case ESRCH: return
        case EPERM: throw .notPermitted(entry.pid)
        case let code: throw .refused(entry.pid, signal: signal.words, reason: String(cString: strerror(code)))
        }
    }

    private static func isThere(_ entry: ProcessEntry) -> Bool {
        ProcessTable.entry(entry.pid)?.startTime == entry.startTime
    }

    private static func wait(
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
