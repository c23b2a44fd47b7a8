import NIOCore

/// A worker's compute thread, which takes the turns of its drafters.
typealias DrafterThread = ComputeThread<DraftJob, WorkerMachine.Event>

extension DrafterThread {
    /// Starts loading.
    ///
    /// - Parameters:
    ///   - loaded: succeeds when the drafters are ready, or gets the error that loading ended with.
    ///   - report: called on the thread after each job.
    convenience init(
        load: @escaping @Sendable (ComputeProgress) throws -> any DrafterSource,
        loaded: EventLoopPromise<Void>,
        report: @escaping @Sendable (WorkerMachine.Event) -> Void
    ) {
        self.init(
            name: "paceline-draft",
            load: { progress in
                var host = DraftHost(source: try load(progress)) { progress.advance() }
                return ((), { .drafted(host.perform($0)) })
            },
            loaded: loaded,
            report: report
        )
    }
}
