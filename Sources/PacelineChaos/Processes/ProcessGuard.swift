import Glibc
import Synchronization

/// What is to be done if the nemesis dies without having done it: a value that its guard keeps.
package struct GuardedProcesses: Sendable, Hashable {
    /// A line from the nemesis to its guard.
    enum Line: Sendable, Hashable {
        case started(group: Int32, startTime: UInt64)
        case ended(group: Int32)
        case stopped(pid: Int32, startTime: UInt64)
        case resumed(pid: Int32)

        var text: String {
            switch self {
            case .started(let group, let startTime): "started \(group) \(startTime)\n"
            case .ended(let group): "ended \(group)\n"
            case .stopped(let pid, let startTime): "stopped \(pid) \(startTime)\n"
            case .resumed(let pid): "resumed \(pid)\n"
            }
        }

        /// Whether it takes back an earlier one.
        fileprivate func undoes(_ other: Line) -> Bool {
            switch (self, other) {
            case (.ended(let group), .started(let begun, _)): group == begun
            case (.resumed(let pid), .stopped(let stopped, _)): pid == stopped
            default: false
            }
        }
    }

    /// Groups to end, with the start times of their first processes.
    package private(set) var groups: [Int32: UInt64] = [:]
    /// Processes to continue, with their start times.
    package private(set) var stopped: [Int32: UInt64] = [:]

    package init() {}

    /// Takes a line; one that it does not know changes nothing.
    package mutating func take(_ line: some StringProtocol) {
        let words = line.split(separator: " ")
        guard words.count >= 2, let number = Int32(words[1]), number > 1 else { return }
        let time = words.count > 2 ? UInt64(words[2]) : nil
        switch words[0] {
        case "started": if let time { groups[number] = time }
        case "ended": groups[number] = nil
        case "stopped": if let time { stopped[number] = time }
        case "resumed": stopped[number] = nil
        default: break
        }
    }

    /// Continues what is stopped, and ends the groups. Blocks for at most a second.
    package func leaveNothing() {
        for (pid, startTime) in stopped {
            guard let entry = ProcessTable.entry(pid), entry.startTime == startTime else { continue }
            ProcessControl.resume([entry])
        }
        for signal in [ProcessSignal.terminate, .kill] {
            var told: Set<Int32> = []
            for _ in 0..<50 {
                let members = members
                guard !members.isEmpty else { return }
                for member in members where told.insert(member.pid).inserted {
                    // What belongs to somebody else by now cannot be ended.
                    _ = try? ProcessControl.tell(member, .resume)
                    _ = try? ProcessControl.tell(member, signal)
                }
                usleep(10_000)
            }
        }
    }

    /// What is left of the groups. The number of a group belongs to it as long as it has a member; a first process that
    /// started at another time has got the number since.
    private var members: [ProcessEntry] {
        let table = ProcessTable()
        let ours = groups.filter { group, startTime in table[group].map { $0.startTime == startTime } ?? true }
        return table.entries.filter { ours[$0.group] != nil && !$0.hasEnded }
    }
}

/// The nemesis's side of its guard: a process that is told what would be left behind, and does away with it when the
/// nemesis has died.
///
/// A guard that does not read, because somebody has stopped it, holds up nobody: lines wait for it, but those that take
/// each other back.
final class ProcessGuard: Sendable {
    private struct State {
        /// -1 without a guard.
        var descriptor: Int32
        var pending: [GuardedProcesses.Line] = []
    }

    /// How long it may take to end.
    private static let grace = Duration.seconds(2)

    let process: SpawnedProcess?
    private let state: Mutex<State>

    /// - Parameter command: starts the guard; nil for none.
    /// - Throws: ``ProcessError``.
    init(_ command: ScheduledCommand?) throws(ProcessError) {
        guard let command else {
            process = nil
            state = Mutex(State(descriptor: -1))
            return
        }
        let pipe = try SpawnedProcess.pipe()
        defer { _ = Glibc.close(pipe.reading) }
        do {
            process = try SpawnedProcess.start(command, input: pipe.reading)
        } catch {
            _ = Glibc.close(pipe.writing)
            throw error
        }
        _ = fcntl(pipe.writing, F_SETFL, O_NONBLOCK)
        state = Mutex(State(descriptor: pipe.writing))
    }

    /// A process that was started leads a group that has to end.
    func started(_ process: SpawnedProcess) {
        // One that is gone so soon leaves nothing to do; its group may.
        tell(.started(group: process.pid, startTime: ProcessTable.entry(process.pid)?.startTime ?? 0))
    }

    func tell(_ line: GuardedProcesses.Line) {
        state.withLock { state in
            guard state.descriptor >= 0 else { return }
            let count = state.pending.count
            state.pending.removeAll { line.undoes($0) }
            if state.pending.count == count { state.pending.append(line) }
            Self.flush(&state)
        }
    }

    /// Lines that wait for the guard to read.
    var pendingCount: Int { state.withLock { $0.pending.count } }

    /// Writes as much as there is room for. A pipe takes a short line whole or not at all.
    private static func flush(_ state: inout State) {
        var written = 0
        while written < state.pending.count {
            let bytes = Array(state.pending[written].text.utf8)
            let count = write(state.descriptor, bytes, bytes.count)
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN { break }
            // A guard that has died cannot be told, and the run goes on without it.
            written += 1
        }
        state.pending.removeFirst(written)
    }

    /// Lets the guard end, by force if it does not.
    func close() async {
        state.withLock { state in
            if state.descriptor >= 0 {
                Self.flush(&state)
                _ = Glibc.close(state.descriptor)
            }
            state.descriptor = -1
        }
        await process?.end(grace: Self.grace)
    }
}
