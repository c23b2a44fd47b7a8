import Foundation
import Synchronization

/// Long blocking work on a thread of its own, so that signals and the cooperative pool do not wait for it.
enum StoppableWork {
    private final class Flag: Sendable {
        let isSet = Atomic(false)
    }

    /// Runs `body` to its end.
    ///
    /// - Parameter body: asks its argument now and then whether the task has been cancelled, and ends early then.
    static func run<Result: Sendable>(
        _ body: @escaping @Sendable (_ isStopped: () -> Bool) throws -> Result
    ) async throws -> Result {
        let flag = Flag()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let thread = Thread {
                    continuation.resume(with: Swift.Result { try body { flag.isSet.load(ordering: .relaxed) } })
                }
                thread.stackSize = 8 << 20
                thread.start()
            }
        } onCancel: {
            flag.isSet.store(true, ordering: .relaxed)
        }
    }
}
