import ArgumentParser
import Dispatch
import Glibc
import Synchronization

/// Ends a process in good order and soon.
///
/// SIGINT, SIGTERM, SIGHUP and (if asked for) the end of standard input cancel the work. What has not ended by itself
/// after ``grace`` is ended by force, and a second signal does so at once. A service with work that others wait for may
/// ask to be told of SIGTERM first, as what starts and stops services sends it, and for time to finish.
enum Termination {
    /// How long a process may take to end by itself. Nothing it holds outlives it, so there is little to lose.
    static let grace = DispatchTimeInterval.milliseconds(800)

    private static let signals = [SIGINT, SIGTERM, SIGHUP]

    private static let isReady = Atomic(false)
    private static let leave = Mutex<Leave?>(nil)

    /// The time that a service has asked for, and whom to tell when it begins.
    private struct Leave {
        let time: Duration
        let begin: AsyncStream<Never>.Continuation
    }

    /// From here on the process is given ``grace`` to end in order. Before, a service has nothing to end and may be in the
    /// middle of loading, which cannot be cut short.
    static func becomeReady() {
        isReady.store(true, ordering: .relaxed)
    }

    /// Suspends until the process is told to end: by SIGTERM, which leaves it `time`, or otherwise, which cancels the task.
    static func waitForEnd(leaving time: Duration) async {
        let (begin, source) = AsyncStream.makeStream(of: Never.self)
        leave.withLock { $0 = Leave(time: time, begin: source) }
        for await _ in begin {}
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
        if !isService { becomeReady() }
        let work = Task { try await body() }
        let cause = Cause()
        let stop: @Sendable (Int32) -> Void = { code in
            guard cause.set(code), isReady.load(ordering: .relaxed) else { _exit(code) }
            work.cancel()
            exit(code, after: .zero)
        }
        let sources = signals.compactMap { signal in
            source(for: signal) {
                let code = isService ? EXIT_SUCCESS : 128 + signal
                guard signal == SIGTERM, let leave = leave.withLock({ $0 }), cause.set(code) else { return stop(code) }
                leave.begin.finish()
                exit(code, after: leave.time)
            }
        }
        if endsWithStandardInput { watchStandardInput(stop) }
        let result = await work.result
        sources.forEach { $0.cancel() }
        if let code = cause.code { throw ExitCode(code) }
        try result.get()
    }

    /// Ends the process by force if it is still there ``grace`` after `time`.
    private static func exit(_ code: Int32, after time: Duration) {
        let nanoseconds = Int((time.inMilliseconds * 1e6).rounded())
        DispatchQueue.global().asyncAfter(deadline: .now() + .nanoseconds(nanoseconds) + grace) { _exit(code) }
    }

    /// nil for a hang-up that nohup has told the process to ignore.
    private static func source(for signal: Int32, _ stop: @escaping @Sendable () -> Void) -> (any DispatchSourceSignal)?
    {
        var action = sigaction()
        sigaction(signal, nil, &action)
        if signal == SIGHUP, isIgnored(action) { return nil }
        // Dispatch sees signals that the process ignores; the default action would end it at once.
        _ = Glibc.signal(signal, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: signal, queue: .global())
        source.setEventHandler(handler: stop)
        source.resume()
        return source
    }

    private static func isIgnored(_ action: sigaction) -> Bool {
        unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    }

    /// A thread of its own: reading blocks, and the end of a pipe must be seen whatever else the process does.
    private static func watchStandardInput(_ stop: @escaping @Sendable (Int32) -> Void) {
        let thread = DispatchQueue(label: "paceline.standard-input")
        thread.async {
            var buffer = [UInt8](repeating: 0, count: 256)
            while true {
                let count = read(STDIN_FILENO, &buffer, buffer.count)
                if count > 0 || (count < 0 && errno == EINTR) { continue }
                return stop(EXIT_SUCCESS)
            }
        }
    }

    /// The exit status that the first reason to end calls for.
    private final class Cause: Sendable {
        private let value = Mutex<Int32?>(nil)

        var code: Int32? { value.withLock { $0 } }

        /// False if there was one already.
        func set(_ code: Int32) -> Bool {
            value.withLock { value in
                guard value == nil else { return false }
                value = code
                return true
            }
        }
    }
}
