import CPacelineKernels

/// A fixed set of threads that compute the items of one task at a time; the calling thread is one of them.
///
/// Items are handed out dynamically, and which thread computes an item never changes its bits. One caller at a time may
/// run a task, and a task must not run another one.
package final class ThreadPool: Sendable {
    /// How many threads share a task, the caller included.
    package let threads: Int
    /// Owned; the pool's threads end with this object.
    package nonisolated(unsafe) let raw: OpaquePointer

    package init(threads: Int) throws(ThreadPoolError) {
        guard let count = Int32(exactly: threads), count >= 1, let raw = pl_pool_create(count) else {
            throw ThreadPoolError(threads: threads)
        }
        self.threads = threads
        self.raw = raw
    }

    deinit {
        pl_pool_destroy(raw)
    }

    /// Calls `body` once for every item 0 ..< `items`, on all threads at once, and returns when all are done.
    package func run(items: Int, _ body: (_ item: Int) -> Void) {
        withoutActuallyEscaping(body) { body in
            withUnsafePointer(to: body) { context in
                let context = UnsafeMutableRawPointer(mutating: context)
                pl_pool_run(
                    raw,
                    Int64(items),
                    { context, item, _ in
                        context?.assumingMemoryBound(to: ((Int) -> Void).self).pointee(Int(item))
                    },
                    context
                )
            }
        }
    }
}

/// Why there is no thread pool of a size.
package struct ThreadPoolError: Error, CustomStringConvertible, Equatable {
    /// The size that was asked for.
    package let threads: Int

    package var description: String {
        "cannot start \(threads) computing threads; ask for a number between 1 and what the system allows"
    }
}
