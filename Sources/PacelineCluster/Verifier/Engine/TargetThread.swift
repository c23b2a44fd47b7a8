import NIOCore
import PacelineSpeculation

/// The verifier's compute thread: loads the target, then runs one pass after the other.
final class TargetThread: Sendable {
    enum Report: Sendable {
        case finished([RoundOutcome], milliseconds: Double)
        case failed(String)
    }

    let progress: ComputeProgress
    private let thread: ComputeThread<Pass>

    /// Starts loading.
    ///
    /// - Parameters:
    ///   - loaded: gets the target's description and costs, or the error that loading ended with.
    ///   - report: called on the thread after each pass.
    init(
        load: @escaping @Sendable (ComputeProgress) throws -> LoadedTarget,
        loaded: EventLoopPromise<(TargetDescription, CostCurve)>,
        report: @escaping @Sendable (Report) -> Void
    ) {
        let progress = ComputeProgress()
        self.progress = progress
        thread = ComputeThread(name: "paceline-target", capacity: 1) { passes in
            let target: LoadedTarget
            do {
                target = try load(progress)
                let costs = try target.description.costs ?? CostProbe(target).measure(progress: progress)
                loaded.succeed((target.description, costs))
            } catch {
                loaded.fail(error)
                return
            }
            let runner = PassRunner(engine: target.engine)
            while let pass = passes.take() {
                report(Self.perform(pass, on: runner, progress: progress))
            }
        }
    }

    func offer(_ pass: Pass) -> Bool {
        thread.offer(pass)
    }

    /// Asks the thread to end after the pass it is at, which is asked to be quick.
    func stop() {
        progress.cancel()
        thread.stop()
    }

    /// Waits for the thread to end, but not for long: a pass that takes no notice ends with the process.
    func end() async {
        _ = await thread.join(seconds: 0.5)
    }

    private static func perform(_ pass: Pass, on runner: PassRunner, progress: ComputeProgress) -> Report {
        do {
            let start = NIODeadline.now()
            let outcomes = try runner.run(pass, progress: progress)
            let elapsed = NIODeadline.now() - start
            return .finished(outcomes, milliseconds: Double(elapsed.nanoseconds) / 1e6)
        } catch {
            return .failed("\(error)")
        }
    }
}
