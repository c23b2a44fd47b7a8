import ArgumentParser
import Foundation
import Glibc
import Synchronization

/// Ends a process in good order and soon.
///
/// SIGINT, SIGTERM, SIGHUP and (if asked for) the end of standard input cancel the work. What has not ended by itself
/// after ``grace`` is ended by force, and a second signal does so at once. A service with work that others wait for may
/// ask to be told of SIGTERM first, as what starts and stops services sends it, and for time to finish.
///
/// Commands that do not run under it end by the signals' default actions.
enum Termination {
    /// How long a process may take to end by itself. Nothing it holds outlives it, so there is little to lose.
    static let grace = Duration.milliseconds(800)

    /// The time that a service has asked for, and whom to tell when it begins.
    private struct Leave {
        let time: Duration
        let begins: AsyncStream<Never>
        let begin: AsyncStream<Never>.Continuation
    }

    private struct State {
        var work: Task<Void, any Error>?
        var isService = false
        var isReady = false
        var leave: Leave?
        /// The exit status that the first reason to end calls for.
        var status: Int32?
    }

    private static let state = Mutex(State())

    // MARK: For commands

    /// From here on the process is given time to end in order: ``grace``, and `time` more if it is SIGTERM that tells
    /// it to. Before, a service has nothing to end and may be in the middle of loading, which cannot be cut short.
    static func becomeReady(leaving time: Duration? = nil) {
        state.withLock { state in
            state.isReady = true
            guard let time else { return }
            let (begins, begin) = AsyncStream.makeStream(of: Never.self)
            state.leave = Leave(time: time, begins: begins, begin: begin)
        }
    }

    /// Suspends until the process is told to end: by SIGTERM, which leaves it the time it asked for, or otherwise,
    /// which cancels the task.
    static func waitForEnd() async {
        guard let leave = state.withLock({ $0.leave }) else { return await waitForCancellation() }
        for await _ in leave.begins {}
    }

    /// Runs `body` until it ends or is told to.
    ///
    /// - Parameters:
    ///   - isService: being told to end is the normal end of a service, so that its status is 0 then; of other programs
    ///     it is 128 + the signal, as shells have it.
    ///   - endsWithStandardInput: whether the end of standard input tells it to end too.
    /// - Throws: what `body` throws; `ExitCode` once it was told to end.
    static func run(
        isService: Bool,
        endsWithStandardInput: Bool = false,
        _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        let work = state.withLock { state in
            // Within the lock: a signal finds both or neither.
            let work = Task { try await body() }
            (state.work, state.isService, state.isReady) = (work, isService, !isService)
            return work
        }
        if endsWithStandardInput { Thread.detachNewThread(waitForEndOfInput) }
        let result = await work.result
        if let status = state.withLock({ $0.status }) { throw ExitCode(status) }
        try result.get()
    }

    // MARK: The main thread

    /// Runs `body` on other threads, for as long as it takes, while this one waits for signals. To be called while the
    /// process has one thread.
    ///
    /// - Parameter body: ends the process itself.
    static func takeSignals(while body: sending @escaping () async -> Never) -> Never {
        let signals = EndSignals.block()
        // Nobody reading any more is an error of writing, which is told. NIO does the same once it opens a socket.
        signal(SIGPIPE, SIG_IGN)
        Task { await body() }
        var end: (deadline: ContinuousClock.Instant, status: Int32)?
        while true {
            guard let signal = signals.next(before: end?.deadline) else { _exit(end?.status ?? EXIT_FAILURE) }
            end = told(by: signal)
        }
    }

    /// A thread of its own: reading blocks, and the end of a pipe must be seen whatever else the process does.
    private static func waitForEndOfInput() {
        var buffer = [UInt8](repeating: 0, count: 256)
        while true {
            let count = read(STDIN_FILENO, &buffer, buffer.count)
            guard count > 0 || (count < 0 && errno == EINTR) else { break }
        }
        let end = told(by: nil)
        Thread.sleep(forTimeInterval: (end.deadline - .now) / .seconds(1))
        _exit(end.status)
    }

    /// Begins the end of the process, or ends it at once where there is nothing to wait for.
    ///
    /// - Parameter signal: nil for the end of standard input.
    /// - Returns: when to end the process by force, and with which status.
    private static func told(by signal: Int32?) -> (deadline: ContinuousClock.Instant, status: Int32) {
        let (status, leave, work) = state.withLock { state in
            let status = state.isService ? EXIT_SUCCESS : 128 + (signal ?? SIGHUP)
            guard state.status == nil, state.isReady, let work = state.work else { _exit(status) }
            state.status = status
            return (status, signal == SIGTERM ? state.leave : nil, work)
        }
        if let leave { leave.begin.finish() } else { work.cancel() }
        return (.now + (leave?.time ?? .zero) + grace, status)
    }
}
