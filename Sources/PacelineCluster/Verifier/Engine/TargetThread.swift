import NIOCore
import PacelineSpeculation

/// The verifier's compute thread, which computes passes on the target.
typealias TargetThread = ComputeThread<Pass, VerifierMachine.Event>

extension TargetThread {
    /// Starts loading.
    ///
    /// - Parameters:
    ///   - loaded: gets the target's description and costs, or the error that loading ended with.
    ///   - report: called on the thread after each pass.
    convenience init(
        load: @escaping @Sendable (ComputeProgress) throws -> LoadedTarget,
        loaded: EventLoopPromise<(TargetDescription, CostCurve)>,
        report: @escaping @Sendable (VerifierMachine.Event) -> Void
    ) {
        self.init(
            name: "paceline-target",
            load: { progress in
                let target = try load(progress)
                let costs = try target.description.costs ?? CostProbe(target).measure(progress: progress)
                let runner = PassRunner(engine: target.engine)
                return ((target.description, costs), { Self.perform($0, on: runner, progress: progress) })
            },
            loaded: loaded,
            report: report
        )
    }

    private static func perform(_ pass: Pass, on runner: PassRunner, progress: ComputeProgress) -> VerifierMachine.Event
    {
        do {
            let start = NIODeadline.now()
            let outcomes = try runner.run(pass, progress: progress)
            let elapsed = NIODeadline.now() - start
            return .passFinished(
                outcomes,
                milliseconds: Double(elapsed.nanoseconds) / 1e6,
                samplingMilliseconds: runner.samplingMilliseconds
            )
        } catch {
            return .passFailed("\(error)")
        }
    }
}
