import Foundation
import Glibc
import Synchronization

/// How a process ended.
package enum ProcessEnding: Sendable, Hashable, CustomStringConvertible {
    case status(Int32)
    case signal(Int32)

    package var description: String {
        switch self {
        case .status(let status): "exit status \(status)"
        case .signal(let signal): "signal \(signal)"
        }
    }
}

/// A process that this one started, in a process group of its own, and whatever it leaves in that group.
///
/// It is reaped only when its group is gone, so that the number stays its own until then.
final class SpawnedProcess: Sendable {
    private struct State {
        var ending: ProcessEnding?
        var isReaped = false
        var waiting: [CheckedContinuation<ProcessEnding, Never>] = []
    }

    /// Held while a process starts, so that it inherits no pipe of another one.
    private static let starting = Mutex(())
    private static let pause = Duration.milliseconds(5)

    let pid: Int32
    private let state = Mutex(State())

    private init(pid: Int32) {
        self.pid = pid
    }

    /// Starts a command.
    ///
    /// - Parameters:
    ///   - input: a descriptor that it reads; nil for nothing.
    ///   - output: a descriptor for what it writes; nil for the command's file.
    /// - Throws: ``ProcessError``.
    static func start(
        _ command: ScheduledCommand,
        input: Int32? = nil,
        output: Int32? = nil
    ) throws(ProcessError) -> SpawnedProcess {
        let name = command.arguments.first ?? ""
        let sink = output ?? open(command.output ?? "/dev/null", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
        guard sink >= 0 else {
            let reason = String(cString: strerror(errno))
            throw .notStarted(name, reason: "its output cannot go to \(command.output ?? ""): \(reason)")
        }
        defer { if output == nil { _ = close(sink) } }
        var pid: Int32 = 0
        let code = starting.withLock { _ in ProcessSpawn.run(command, input: input, output: sink, pid: &pid) }
        guard code == 0 else { throw .notStarted(name, reason: String(cString: strerror(code))) }
        let process = SpawnedProcess(pid: pid)
        Thread { process.watch() }.start()
        return process
    }

    /// Makes a pipe that no process inherits unless it is meant to.
    static func pipe() throws(ProcessError) -> (reading: Int32, writing: Int32) {
        var ends: [Int32] = [-1, -1]
        let code = starting.withLock { _ -> Int32 in
            guard Glibc.pipe(&ends) == 0 else { return errno }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            return 0
        }
        guard code == 0 else { throw .notStarted("a pipe", reason: String(cString: strerror(code))) }
        return (ends[0], ends[1])
    }

    /// How it has ended; nil while it runs.
    var ending: ProcessEnding? { state.withLock { $0.ending } }

    /// Waits until it has ended. Cancellation does not end the wait.
    func exit() async -> ProcessEnding {
        await withCheckedContinuation { continuation in
            let ending = state.withLock { state in
                if state.ending == nil { state.waiting.append(continuation) }
                return state.ending
            }
            if let ending { continuation.resume(returning: ending) }
        }
    }

    /// Tells the whole group to end, by force after `grace`, and waits until it has.
    func end(grace: Duration) async {
        signal(SIGCONT)
        signal(SIGTERM)
        let deadline = ContinuousClock.now + grace
        while isGroupAlive, ContinuousClock.now < deadline {
            // Cancellation must not leave anything behind; it only shortens the wait.
            do { try await Task.sleep(for: Self.pause) } catch { break }
        }
        kill()
    }

    /// Ends the whole group at once, and reaps it. Blocks until the first process is gone.
    func kill() {
        signal(SIGKILL)
        state.withLock { state in
            guard !state.isReaped else { return }
            var status: Int32 = 0
            while waitpid(pid, &status, 0) == -1, errno == EINTR {}
            state.isReaped = true
        }
    }

    /// Reaps the first process once it has ended, and lets the rest of its group go on.
    func letGo() {
        state.withLock { state in
            guard state.ending != nil, !state.isReaped else { return }
            var status: Int32 = 0
            while waitpid(pid, &status, 0) == -1, errno == EINTR {}
            state.isReaped = true
        }
    }

    /// Sends a signal to the whole group.
    func signal(_ number: Int32) {
        state.withLock { state in
            if !state.isReaped { _ = Glibc.kill(-pid, number) }
        }
    }

    private var isGroupAlive: Bool {
        ProcessTable().entries.contains { $0.group == pid && !$0.hasEnded }
    }

    /// Runs on a thread of its own, since waiting blocks. Leaves the process unreaped.
    private func watch() {
        var info = siginfo_t()
        while waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT) == -1 {
            // Somebody has reaped it in ``kill()``.
            guard errno == EINTR else { break }
        }
        let ending = Self.ending(of: info)
        let waiting = state.withLock { state in
            state.ending = ending
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume(returning: ending) }
    }

    /// `si_status` is in a union that Swift does not see: it follows the number, error, code, process and user.
    private static func ending(of info: siginfo_t) -> ProcessEnding {
        let status = withUnsafeBytes(of: info) { $0.load(fromByteOffset: 24, as: Int32.self) }
        // 1 is CLD_EXITED.
        return info.si_code == 1 ? .status(status) : .signal(info.si_code == 0 ? SIGKILL : status)
    }
}

/// `posix_spawn` with what the nemesis needs.
private enum ProcessSpawn {
    /// - Returns: 0 or an error number.
    static func run(_ command: ScheduledCommand, input: Int32?, output: Int32, pid: inout Int32) -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let input {
            posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
        } else {
            posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        }
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO)
        // A proxy's socket in a child would keep its port and its connections.
        for descriptor in openDescriptors { posix_spawn_file_actions_addclose(&actions, descriptor) }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        prepare(&attributes)
        var words = command.arguments
        if let directory = command.directory {
            words = ["/bin/sh", "-c", "cd -- \"$0\" && exec \"$@\"", directory] + words
        }
        var argv = words.map { strdup($0) }
        defer { argv.forEach { free($0) } }
        argv.append(nil)
        let variables = ProcessInfo.processInfo.environment.merging(command.environment) { $1 }
        var environment = variables.map { strdup("\($0.key)=\($0.value)") }
        defer { environment.forEach { free($0) } }
        environment.append(nil)
        return posix_spawnp(&pid, words[0], &actions, &attributes, argv, environment)
    }

    /// A group of its own, no signal blocked, and the usual actions.
    private static func prepare(_ attributes: inout posix_spawnattr_t) {
        var defaults = sigset_t()
        sigemptyset(&defaults)
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGPIPE] { sigaddset(&defaults, signal) }
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        var mask = sigset_t()
        sigemptyset(&mask)
        posix_spawnattr_setsigmask(&attributes, &mask)
        posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP
        posix_spawnattr_setflags(&attributes, Int16(flags))
    }

    /// All but the standard ones, and some more that may be opened meanwhile.
    private static var openDescriptors: ClosedRange<Int32> {
        let open = SystemFile.names(in: "/proc/self/fd").compactMap { Int32($0) }.max() ?? 64
        return 3...max(3, open) + 64
    }
}
