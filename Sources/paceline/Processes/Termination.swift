import ArgumentParser
import Foundation
import Glibc
import Synchronization

/// Ends a process in order and within a bounded time.
///
/// SIGINT, SIGTERM, SIGHUP and (if asked for) the end of standard input cancel the work. Work that has not ended after
/// ``grace`` is ended by force; a second signal ends it at once. Service managers send SIGTERM, so a service may ask to
/// be told of it first, and for time to finish its clients' requests.
///
/// Commands that do not run under it end by the signals' default actions.
enum Termination {
    /// How long a process may take to end on its own. Nothing it holds outlives it, so ending it by force loses little.
    static let grace = Duration.milliseconds(800)

    /// The time that a service has asked for, and a stream that finishes when that time begins.
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
        /// The exit status; the first reason to end sets it.
        var status: Int32?
    }

    private static let state = Mutex(State())

    // MARK: For commands

    /// From here on the process gets time to end in order: ``grace``, plus `time` if it receives SIGTERM.
    ///
    /// Before that a service ends at once: it has nothing to finish, and loading cannot be interrupted.
    static func becomeReady(leaving time: Duration? = nil) {
        state.withLock { state in
            state.isReady = true
            guard let time else { return }
            let (begins, begin) = AsyncStream.makeStream(of: Never.self)
            state.leave = Leave(time: time, begins: begins, begin: begin)
        }
    }

    /// Suspends until the process is told to end. SIGTERM leaves it the time it asked for; anything else cancels the
    /// task.
    static func waitForEnd() async {
        guard let leave = state.withLock({ $0.leave }) else { return await waitForCancellation() }
        for await _ in leave.begins {}
    }

    /// Runs `body` until it ends or is told to.
    ///
    /// - Parameters:
    ///   - isService: a service that is told to end exits with status 0, since that is its normal end. Other programs
    ///     exit with 128 + the signal, as in shells.
    ///   - endsWithStandardInput: whether the end of standard input tells it to end too.
    /// - Throws: what `body` throws; `ExitCode` once it was told to end.
    static func run(
        isService: Bool,
        endsWithStandardInput: Bool = false,
        _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        let work = state.withLock { state in
            // Inside the lock, so that a signal finds either both the task and the flags or neither.
            let work = Task { try await body() }
            (state.work, state.isService, state.isReady) = (work, isService, !isService)
            return work
        }
        if endsWithStandardInput { Thread.detachNewThread(waitForEndOfInput) }
        let result = await work.result
        // A service that was told to end may have found that what it was to do is not done.
        if isService, case .failure(let error as ExitCode) = result { throw error }
        if let status = state.withLock({ $0.status }) { throw ExitCode(status) }
        try result.get()
    }

    // MARK: The main thread

    /// Runs `body` on other threads while this one waits for signals. Call while the process has a single thread.
    ///
    /// - Parameter body: ends the process itself.
    static func takeSignals(while body: sending @escaping () async -> Never) -> Never {
        let signals = EndSignals.block()
        // A pipe without a reader then shows up as a write error, which is reported. NIO does the same for sockets.
        signal(SIGPIPE, SIG_IGN)
        Task { await body() }
        var end: (deadline: ContinuousClock.Instant, status: Int32)?
        while true {
            guard let signal = signals.next(before: end?.deadline) else { _exit(end?.status ?? EXIT_FAILURE) }
            end = told(by: signal)
        }
    }

    /// Runs on its own thread: reading blocks, and the end of a pipe must be noticed whatever the process is doing.
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

    /// Begins the end of the process, or ends it at once if there is nothing to wait for.
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
