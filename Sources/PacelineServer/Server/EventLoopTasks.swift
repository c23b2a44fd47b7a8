package import NIOCore

/// Runs tasks on an event loop, beside the connections that they serve.
///
/// A task that waits for its connection, or for another one of the same loop, goes on without waking a thread of the
/// concurrent pool; under load that is most of what a relayed byte costs. Only for tasks that never block.
package final class EventLoopTasks: TaskExecutor {
    private let eventLoop: any EventLoop

    /// - Parameter eventLoop: must run for as long as any task does.
    package init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        eventLoop.execute { [self] in job.runSynchronously(on: asUnownedTaskExecutor()) }
    }
}
