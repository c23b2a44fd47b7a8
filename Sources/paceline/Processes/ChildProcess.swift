import Foundation
import Glibc
import Synchronization

/// A child process, with a pipe to its standard input and one from its standard output.
///
/// Standard error is shared. The child has its own process group, so Ctrl-C in a terminal reaches only this process,
/// which then ends its children in order. If this process is killed, the closed pipe to standard input ends them. One
/// thread per child reads its announcements and reaps it, so no zombie remains.
final class ChildProcess: Sendable {
    /// How a process ended.
    enum Exit: Sendable, Hashable, CustomStringConvertible {
        case status(Int32)
        case signal(Int32)

        var description: String {
            switch self {
            case .status(let status): "exit status \(status)"
            case .signal(let signal): "signal \(signal)"
            }
        }
    }

    private struct State {
        var exit: Exit?
        /// -1 once closed.
        var input: Int32
        var waiting: [CheckedContinuation<Exit, Never>] = []
    }

    /// How many unread announcements are kept; later ones are dropped.
    private static let announcementLimit = 1024
    /// The longest announcement, in bytes.
    private static let lineLimit = 1 << 16

    let pid: pid_t
    /// What the child announces, in order; ends when its standard output does.
    let announcements: AsyncStream<Announcement>
    private let state: Mutex<State>

    private init(pid: pid_t, input: Int32, output: Int32) {
        self.pid = pid
        state = Mutex(State(input: input))
        let (stream, sink) = AsyncStream.makeStream(
            of: Announcement.self,
            bufferingPolicy: .bufferingOldest(Self.announcementLimit)
        )
        announcements = stream
        Thread { [self] in
            Self.readLines(from: output) { sink.yield($0) }
            close(output)
            sink.finish()
            reap()
        }
        .start()
    }

    deinit {
        closeInput()
    }

    /// Held while a child starts: until a pipe is marked close-on-exec, another child could inherit it.
    private static let starting = Mutex(())

    /// Starts `executable` with `arguments` (without the program's name).
    static func start(_ executable: String, _ arguments: [String]) throws(ChildProcessError) -> ChildProcess {
        try starting.withLock { _ throws(ChildProcessError) in try startAlone(executable, arguments) }
    }

    private static func startAlone(
        _ executable: String,
        _ arguments: [String]
    ) throws(ChildProcessError) -> ChildProcess {
        let input = try Pipe.make()
        let output: Pipe
        do {
            output = try Pipe.make()
        } catch {
            input.closeBoth()
            throw error
        }
        var pid: pid_t = 0
        let code = spawn(executable, arguments, input: input.reading, output: output.writing, pid: &pid)
        close(input.reading)
        close(output.writing)
        guard code == 0 else {
            close(input.writing)
            close(output.reading)
            throw ChildProcessError(operation: "start \(executable)", errno: code)
        }
        return ChildProcess(pid: pid, input: input.writing, output: output.reading)
    }

    /// Tells the child to end by closing its standard input.
    func closeInput() {
        let descriptor = state.withLock { state in
            defer { state.input = -1 }
            return state.input
        }
        if descriptor >= 0 { close(descriptor) }
    }

    /// Sends a signal unless the child has ended, when its process id may belong to another process.
    func send(_ signal: Int32) {
        state.withLock { state in
            if state.exit == nil { _ = kill(pid, signal) }
        }
    }

    /// Waits until the child has ended and returns how. Cancellation does not end the wait.
    func exit() async -> Exit {
        await withCheckedContinuation { continuation in
            let exit = state.withLock { state in
                if state.exit == nil { state.waiting.append(continuation) }
                return state.exit
            }
            if let exit { continuation.resume(returning: exit) }
        }
    }

    /// Tells the child to end and waits until it has.
    func end() async {
        closeInput()
        _ = await exit()
    }

    // MARK: The child's thread

    private static func readLines(from descriptor: Int32, _ body: (Announcement) -> Void) {
        var line: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            for byte in chunk[..<count] {
                if byte == UInt8(ascii: "\n") {
                    if let announcement = try? JSONDecoder().decode(Announcement.self, from: Data(line)) {
                        body(announcement)
                    }
                    line.removeAll(keepingCapacity: true)
                } else if line.count < lineLimit {
                    line.append(byte)
                }
            }
        }
    }

    /// Waits for the end, then reaps under the lock, so that `send` never hits a reused process id.
    private func reap() {
        var info = siginfo_t()
        while waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT) == -1, errno == EINTR {}
        let (exit, waiting) = state.withLock { state in
            var status: Int32 = 0
            while waitpid(pid, &status, 0) == -1, errno == EINTR {}
            let exit = Self.exit(fromStatus: status)
            state.exit = exit
            defer { state.waiting = [] }
            return (exit, state.waiting)
        }
        for continuation in waiting { continuation.resume(returning: exit) }
    }

    /// `WIFSIGNALED` and related macros are not visible in Swift.
    private static func exit(fromStatus status: Int32) -> Exit {
        let signal = status & 0x7F
        return signal == 0 ? .status((status >> 8) & 0xFF) : .signal(signal)
    }
}
