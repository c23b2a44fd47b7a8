import Foundation
import PacelineCluster
import Synchronization

/// Compiles the grammars of requests: one after the other, on a thread of its own, in turns of the tenants.
///
/// A hostile grammar may take a core for long, and much memory. On the threads that serve HTTP, a few of them would
/// stop all streams and the probes; here they hold up only each other, and no two are in memory at once.
final class CompilationQueue: Sendable {
    struct Limits: Sendable {
        /// How many may wait, for all tenants and for one of them.
        var waiting = 512
        var waitingPerTenant = 256
        /// How long one may wait for its turn. Streams say nothing before, so it is not above their silence.
        var patience = GenerationService.pingInterval
    }

    private struct Job: Sendable {
        let number: UInt64
        let deadline: ContinuousClock.Instant
        let perform: @Sendable () -> Void
        let refuse: @Sendable (any Error) -> Void
    }

    private struct State {
        var waiting = FairQueue<Job>()
        /// Whether the thread runs; it ends when nothing is left to do.
        var isRunning = false
        var lastNumber: UInt64 = 0
    }

    private let limits: Limits
    private let state = Mutex(State())

    init(limits: Limits = Limits()) {
        self.limits = limits
    }

    /// How many wait for their turn.
    var waiting: Int { state.withLock { $0.waiting.count } }

    /// Has the thread do some work, and waits for what comes of it.
    ///
    /// - Throws: what the work throws; ``APIError`` (429) if too much waits; `CancellationError` if the task is
    ///   cancelled before the work begins.
    func perform<Value: Sendable>(
        for tenant: Tenant,
        _ work: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        let number = state.withLock { state in
            state.lastNumber += 1
            return state.lastNumber
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Value, any Error>) in
                let job = Job(
                    number: number,
                    deadline: .now + limits.patience,
                    perform: { continuation.resume(with: Result(catching: work)) },
                    refuse: { continuation.resume(throwing: $0) }
                )
                add(job, of: tenant)
                // Cancelled before there was anything to take out.
                if Task.isCancelled { cancel(number) }
            }
        } onCancel: {
            cancel(number)
        }
    }

    private func add(_ job: Job, of tenant: Tenant) {
        enum Outcome { case full, added, first }
        let outcome = state.withLock { state -> Outcome in
            guard state.waiting.count < limits.waiting, state.waiting.count(of: tenant) < limits.waitingPerTenant else {
                return .full
            }
            state.waiting.append(job, of: tenant)
            defer { state.isRunning = true }
            return state.isRunning ? .added : .first
        }
        switch outcome {
        case .full: job.refuse(APIError.compilersBusy)
        case .added: break
        case .first: startThread()
        }
    }

    private func cancel(_ number: UInt64) {
        let job = state.withLock { $0.waiting.remove { $0.number == number } }
        job?.refuse(CancellationError())
    }

    private func startThread() {
        let thread = Thread { [self] in
            while let job = next() { job.perform() }
        }
        thread.name = "grammars"
        // Grammars are read and walked recursively.
        thread.stackSize = 8 << 20
        thread.start()
    }

    /// The job whose turn it is, without those that have waited too long; nil if the thread is to end.
    private func next() -> Job? {
        let now = ContinuousClock.now
        let (next, late) = state.withLock { state -> (Job?, [Job]) in
            var late: [Job] = []
            while let job = state.waiting.remove(where: { $0.deadline < now }) { late.append(job) }
            let next = state.waiting.removeNext()
            state.isRunning = next != nil
            return (next, late)
        }
        for job in late { job.refuse(APIError.compilersBusy) }
        return next
    }
}

extension APIError {
    /// 429: too many grammars wait to be compiled, or they take too long.
    fileprivate static let compilersBusy = APIError.overloaded(
        "too many schemas and grammars of other requests are to be compiled first; try again",
        retryAfter: 1
    )
}
