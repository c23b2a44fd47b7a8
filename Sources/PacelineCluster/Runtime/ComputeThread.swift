import Foundation
import NIOCore

/// A thread of its own for blocking arithmetic. It loads its model, then takes one job after the other and reports each
/// to a machine as that machine's event.
///
/// A forward pass must block neither an event loop nor the cooperative pool. On two cores, one blocked pool thread
/// stops half of all Swift tasks. What is loaded stays on the thread, so an engine need not be `Sendable`.
final class ComputeThread<Job: Sendable, Report: Sendable>: Sendable {
    /// How long ``end()`` waits for the job at hand.
    private static var shutdownTimeout: Double { 0.5 }

    /// Moves while the thread is at work.
    let progress = ComputeProgress()
    private let mailbox = Mailbox<Job>(capacity: 1)
    private let finished = DispatchSemaphore(value: 0)

    /// Starts loading.
    ///
    /// - Parameters:
    ///   - name: shown by debuggers and `top -H`.
    ///   - load: called once on the thread; returns a description of what was loaded, and what carries out jobs.
    ///   - loaded: gets that description, or the error that loading ended with.
    ///   - report: called on the thread after each job.
    init<Description: Sendable>(
        name: String,
        load: @escaping @Sendable (ComputeProgress) throws -> (Description, (Job) -> Report),
        loaded: EventLoopPromise<Description>,
        report: @escaping @Sendable (Report) -> Void
    ) {
        let (mailbox, finished, progress) = (mailbox, finished, progress)
        let thread = Thread {
            defer { finished.signal() }
            let perform: (Job) -> Report
            do {
                let (description, body) = try load(progress)
                perform = body
                loaded.succeed(description)
            } catch {
                return loaded.fail(error)
            }
            while let job = mailbox.take() {
                report(perform(job))
            }
        }
        thread.name = name
        thread.stackSize = 8 << 20
        thread.start()
    }

    /// Hands over a job; false if one is waiting already or the thread was stopped.
    func offer(_ job: Job) -> Bool {
        mailbox.offer(job)
    }

    /// Drops a waiting job and lets the thread end after the present one. Does not wait.
    func stop() {
        mailbox.close()
    }

    /// Waits briefly for the thread to end. A job that takes longer ends with the process.
    ///
    /// - Returns: whether the thread has ended.
    @discardableResult
    func end() async -> Bool {
        let finished = finished
        return await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                let hasEnded = finished.wait(timeout: .now() + Self.shutdownTimeout) == .success
                if hasEnded { finished.signal() }
                continuation.resume(returning: hasEnded)
            }
        }
    }
}
