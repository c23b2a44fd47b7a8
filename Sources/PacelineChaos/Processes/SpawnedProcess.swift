import Foundation
import Glibc
import Synchronization

/// A process that this one started, in a process group of its own, and whatever it leaves in that group.
///
/// It is reaped only when its group has been told to end, so that the number stays its own until then.
final class SpawnedProcess: Sendable {
    private struct State {
        var ending: ProcessEnding?
        /// Nobody needs its number any more.
        var isLetGo = false
        var isReaped = false
        var waiting: [CheckedContinuation<ProcessEnding, Never>] = []
    }

    /// How often it is looked whether a group has ended, and how long it may take after SIGKILL: one whose call to a
    /// driver does not return stays longer, and nobody can help that.
    private static let pause = Duration.milliseconds(25)
    private static let patience = Duration.seconds(1)

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
        var words = command.arguments
        if let directory = command.directory {
            words = ["/bin/sh", "-c", "cd -- \"$0\" && exec \"$@\"", directory] + words
        }
        let variables = ProcessInfo.processInfo.environment.merging(command.environment) { $1 }
        let pid: Int32
        do {
            pid = try ProcessSpawn.start(words, environment: variables, input: input, output: sink, error: sink)
        } catch {
            throw .notStarted(name, reason: error.reason)
        }
        let process = SpawnedProcess(pid: pid)
        Thread { process.watch() }.start()
        return process
    }

    /// Makes a pipe that no process inherits unless it is meant to.
    static func pipe() throws(ProcessError) -> (reading: Int32, writing: Int32) {
        do { return try ProcessSpawn.pipe() } catch { throw .notStarted("a pipe", reason: error.reason) }
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

    /// Tells the whole group to end, by force after `grace`, and waits until it has. Cancellation must not leave
    /// anything behind; it only shortens the wait.
    func end(grace: Duration) async {
        await BlockingWork.run { [self] isCancelled in
            signal(SIGCONT)
            signal(SIGTERM)
            _ = wait(grace) { !isGroupAlive || isCancelled.isSet }
            kill()
        }
    }

    /// Ends the whole group at once. Blocks until it is gone, as a rule at once and at most a second.
    func kill() {
        signal(SIGKILL)
        letGo()
        _ = wait(Self.patience) { ending != nil && !isGroupAlive }
    }

    /// Reaps the first process when it has ended, and lets the rest of its group go on.
    func letGo() {
        state.withLock { state in
            state.isLetGo = true
            reap(&state)
        }
    }

    /// Sends a signal to the whole group.
    func signal(_ number: Int32) {
        state.withLock { state in
            if !state.isReaped { _ = Glibc.kill(-pid, number) }
        }
    }

    /// - Returns: whether it came in time.
    private func wait(_ limit: Duration, until isDone: () -> Bool) -> Bool {
        let deadline = ContinuousClock.now + limit
        // What was killed is gone soon; what was told may take its time.
        var pause = Duration.milliseconds(1)
        while !isDone() {
            guard ContinuousClock.now < deadline else { return false }
            usleep(UInt32(pause / .microseconds(1)))
            pause = min(pause * 2, Self.pause)
        }
        return true
    }

    private var isGroupAlive: Bool { ProcessTable.hasGroup(pid) }

    /// Does not block: a process that has ended is there to be reaped.
    private func reap(_ state: inout State) {
        guard state.isLetGo, state.ending != nil, !state.isReaped else { return }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) == -1, errno == EINTR {}
        state.isReaped = true
    }

    /// Runs on a thread of its own, since waiting blocks.
    private func watch() {
        let ending = ProcessEnding.wait(for: pid)
        let waiting = state.withLock { state in
            state.ending = ending
            reap(&state)
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume(returning: ending) }
    }
}
