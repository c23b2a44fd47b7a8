import Foundation
import Glibc
import PacelineChaos
import Synchronization

/// A child process, with a pipe to its standard input and one from its standard output.
///
/// Standard error is shared. The child has its own process group, so Ctrl-C in a terminal reaches only this process,
/// which then ends its children in order. If this process is killed, the closed pipe to standard input ends them. One
/// thread per child reads its announcements and reaps it, so no zombie remains.
final class ChildProcess: Sendable {
    typealias Exit = ProcessEnding

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

    /// Starts `executable` with `arguments` (without the program's name), and without the settings in this process's
    /// environment: it gets its own as arguments.
    static func start(_ executable: String, _ arguments: [String]) throws(ChildProcessError) -> ChildProcess {
        let input = try pipe()
        let output: (reading: Int32, writing: Int32)
        do {
            output = try pipe()
        } catch {
            close(input.reading)
            close(input.writing)
            throw error
        }
        defer {
            close(input.reading)
            close(output.writing)
        }
        let environment = ProcessInfo.processInfo.environment.filter { ConfigurationEnvironment.isForChildren($0.key) }
        do {
            let pid = try ProcessSpawn.start(
                [executable] + arguments,
                environment: environment,
                input: input.reading,
                output: output.writing,
                error: nil
            )
            return ChildProcess(pid: pid, input: input.writing, output: output.reading)
        } catch {
            close(input.writing)
            close(output.reading)
            throw ChildProcessError(operation: "start \(executable)", reason: error.reason)
        }
    }

    private static func pipe() throws(ChildProcessError) -> (reading: Int32, writing: Int32) {
        do {
            return try ProcessSpawn.pipe()
        } catch {
            throw ChildProcessError(operation: "make a pipe", reason: error.reason)
        }
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
        let exit = ProcessEnding.wait(for: pid)
        let waiting = state.withLock { state in
            var status: Int32 = 0
            while waitpid(pid, &status, 0) == -1, errno == EINTR {}
            state.exit = exit
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume(returning: exit) }
    }
}

/// A process could not be started.
struct ChildProcessError: Error, CustomStringConvertible {
    let operation: String
    let reason: String

    var description: String {
        "the system could not \(operation) (\(reason)); free some memory or end other processes, then try again"
    }
}
