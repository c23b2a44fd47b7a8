import Foundation
import Synchronization

/// Work that blocks, on a thread of its own, where it holds up nobody.
enum BlockingWork {
    /// Whether the task that waits for the work was cancelled.
    final class Cancellation: Sendable {
        private let value = Mutex(false)

        var isSet: Bool { value.withLock { $0 } }

        fileprivate func set() {
            value.withLock { $0 = true }
        }
    }

    /// - Parameter body: has to look by itself whether it was cancelled.
    static func run<Value: Sendable, Failure: Error>(
        _ body: @escaping @Sendable (Cancellation) throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let cancellation = Cancellation()
        let result: Result<Value, Failure> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                Thread {
                    continuation.resume(returning: Result { () throws(Failure) -> Value in try body(cancellation) })
                }
                .start()
            }
        } onCancel: {
            cancellation.set()
        }
        return try result.get()
    }
}
