import Foundation
package import Testing

/// Runs tests that compute for seconds without a pause on threads of their own.
///
/// The threads on which Swift runs tasks are as many as the cores. Two tests that compute on them stop every other task
/// of the process, also those of tests with sockets and deadlines. On threads of their own they only take their share
/// of the cores. (https://github.com/swiftlang/swift-evolution/blob/main/proposals/0417-task-executor-preference.md)
package struct ComputingTrait: SuiteTrait, TestTrait, TestScoping {
    package var isRecursive: Bool { true }

    package func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @Sendable () async throws -> Void
    ) async throws {
        // A suite's scope lasts as long as all of its tests, most of which wait for their turn.
        guard testCase != nil else { return try await function() }
        try await withTaskExecutorPreference(ComputingThreads.shared, operation: function)
    }
}

extension Trait where Self == ComputingTrait {
    /// The test computes for seconds without a pause.
    package static var computing: Self { Self() }
}

/// A few threads that run what is given to them in order of arrival.
private final class ComputingThreads: TaskExecutor {
    static let shared = ComputingThreads()

    private let jobs = JobQueue()

    private init() {
        for _ in 0..<ProcessInfo.processInfo.activeProcessorCount {
            let thread = Thread { [jobs] in
                while true { jobs.next().runSynchronously(on: Self.shared.asUnownedTaskExecutor()) }
            }
            thread.name = "computing"
            // Debug builds of recursive code need more than the half megabyte that threads have otherwise.
            thread.stackSize = 8 << 20
            thread.start()
        }
    }

    func enqueue(_ job: consuming ExecutorJob) { jobs.append(UnownedJob(job)) }
}

/// Jobs that wait for a thread.
private final class JobQueue: @unchecked Sendable {
    private let condition = NSCondition()
    private var jobs: [UnownedJob] = []

    func append(_ job: UnownedJob) {
        condition.withLock {
            jobs.append(job)
            condition.signal()
        }
    }

    func next() -> UnownedJob {
        condition.withLock {
            while jobs.isEmpty { condition.wait() }
            return jobs.removeFirst()
        }
    }
}
