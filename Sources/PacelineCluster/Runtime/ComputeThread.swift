import Foundation

/// A thread of its own for blocking arithmetic, fed by a bounded mailbox.
///
/// Neither an event loop nor the cooperative pool may be held up by a forward pass: on two cores one blocked pool
/// thread is half of all Swift tasks. The body is built on the thread and stays there, so an engine need not be
/// `Sendable`.
final class ComputeThread<Job: Sendable>: Sendable {
    private let mailbox: Mailbox<Job>
    private let finished = DispatchSemaphore(value: 0)

    /// Starts the thread.
    ///
    /// - Parameters:
    ///   - name: shown by debuggers and `top -H`.
    ///   - capacity: jobs that may wait.
    ///   - body: called once on the thread; takes jobs until it gets nil, then returns.
    init(name: String, capacity: Int, body: @escaping @Sendable (Mailbox<Job>) -> Void) {
        let mailbox = Mailbox<Job>(capacity: capacity)
        let finished = finished
        self.mailbox = mailbox
        let thread = Thread {
            body(mailbox)
            finished.signal()
        }
        thread.name = name
        thread.stackSize = 8 << 20
        thread.start()
    }

    /// Hands over a job; false if the mailbox is full or closed.
    func offer(_ job: Job) -> Bool {
        mailbox.offer(job)
    }

    /// Drops queued jobs and lets the thread end after the job it is at. Does not wait.
    func stop() {
        mailbox.close()
    }

    /// Waits until the thread has ended; false if it had not after `seconds`.
    func join(seconds: Double) async -> Bool {
        let finished = finished
        return await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                let hasEnded = finished.wait(timeout: .now() + seconds) == .success
                if hasEnded { finished.signal() }
                continuation.resume(returning: hasEnded)
            }
        }
    }
}
