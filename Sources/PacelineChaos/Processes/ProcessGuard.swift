import Glibc
import Synchronization

/// What is to be done if the nemesis dies without having done it: a value that its guard keeps.
package struct GuardedProcesses: Sendable, Hashable {
    /// A line from the nemesis to its guard.
    enum Line: Sendable, Hashable {
        case started(group: Int32)
        case ended(group: Int32)
        case stopped(pid: Int32, startTime: UInt64)
        case resumed(pid: Int32)

        var text: String {
            switch self {
            case .started(let group): "started \(group)\n"
            case .ended(let group): "ended \(group)\n"
            case .stopped(let pid, let startTime): "stopped \(pid) \(startTime)\n"
            case .resumed(let pid): "resumed \(pid)\n"
            }
        }
    }

    /// Groups to end.
    package private(set) var groups: Set<Int32> = []
    /// Processes to continue, with their start times.
    package private(set) var stopped: [Int32: UInt64] = [:]

    package init() {}

    /// Takes a line; one that it does not know changes nothing.
    package mutating func take(_ line: some StringProtocol) {
        let words = line.split(separator: " ")
        guard words.count >= 2, let number = Int32(words[1]), number > 1 else { return }
        switch words[0] {
        case "started": groups.insert(number)
        case "ended": groups.remove(number)
        case "stopped": if words.count > 2, let time = UInt64(words[2]) { stopped[number] = time }
        case "resumed": stopped[number] = nil
        default: break
        }
    }

    /// Continues what is stopped, and ends the groups. Blocks for at most a second.
    package func leaveNothing() {
        for (pid, startTime) in stopped where ProcessTable.entry(pid)?.startTime == startTime { _ = kill(pid, SIGCONT) }
        guard !groups.isEmpty else { return }
        for group in groups {
            _ = kill(-group, SIGCONT)
            _ = kill(-group, SIGTERM)
        }
        for _ in 0..<50 where ProcessTable().entries.contains(where: { groups.contains($0.group) && !$0.hasEnded }) {
            usleep(10_000)
        }
        for group in groups { _ = kill(-group, SIGKILL) }
    }
}

/// The nemesis's side of its guard: a process that is told what would be left behind, and does away with it when the
/// nemesis has died.
final class ProcessGuard: Sendable {
    private let process: SpawnedProcess?
    /// -1 without a guard.
    private let descriptor: Mutex<Int32>

    /// - Parameter command: starts the guard; nil for none.
    /// - Throws: ``ProcessError``.
    init(_ command: ScheduledCommand?) throws(ProcessError) {
        guard let command else {
            process = nil
            descriptor = Mutex(-1)
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
        descriptor = Mutex(pipe.writing)
    }

    func tell(_ line: GuardedProcesses.Line) {
        let bytes = Array(line.text.utf8)
        descriptor.withLock { descriptor in
            // A guard that has died cannot be told, and the run goes on without it.
            if descriptor >= 0 { _ = write(descriptor, bytes, bytes.count) }
        }
    }

    /// Lets the guard end.
    func close() async {
        descriptor.withLock { descriptor in
            if descriptor >= 0 { _ = Glibc.close(descriptor) }
            descriptor = -1
        }
        guard let process else { return }
        _ = await process.exit()
        process.kill()
    }
}
