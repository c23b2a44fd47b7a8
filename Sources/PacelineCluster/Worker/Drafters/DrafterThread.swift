import NIOCore

/// A worker's compute thread: loads the drafters, then takes one turn after the other.
final class DrafterThread: Sendable {
    let progress: ComputeProgress
    private let thread: ComputeThread<DraftJob>

    /// Starts loading.
    ///
    /// - Parameters:
    ///   - loaded: succeeds when the drafters are ready, or gets the error that loading ended with.
    ///   - report: called on the thread after each job.
    init(
        load: @escaping @Sendable (ComputeProgress) throws -> any DrafterSource,
        loaded: EventLoopPromise<Void>,
        report: @escaping @Sendable (DraftResult?) -> Void
    ) {
        let progress = ComputeProgress()
        self.progress = progress
        thread = ComputeThread(name: "paceline-draft", capacity: 1) { jobs in
            var host: DraftHost
            do {
                host = DraftHost(source: try load(progress)) { progress.advance() }
            } catch {
                loaded.fail(error)
                return
            }
            loaded.succeed()
            while let job = jobs.take() {
                report(host.perform(job))
                progress.advance()
            }
        }
    }

    func offer(_ job: DraftJob) -> Bool {
        thread.offer(job)
    }

    /// Asks the thread to end after the step it is at.
    func stop() {
        progress.cancel()
        thread.stop()
    }

    /// Waits for the thread to end, but not for long: a step that takes no notice ends with the process.
    func end() async {
        _ = await thread.join(seconds: 0.5)
    }
}
