import PacelineCluster
import PacelineSpeculation

/// Checks that verifiers give up a worker that is stopped, gone or hung. One that hangs may come back by another link,
/// since its loop still runs, and is given up again.
final class DetectionCheck {
    /// A worker that is silent, and when nobody may count it as connected any more.
    private struct Silence {
        unowned let worker: WorkerProcess
        let kind: FaultKind
        let incarnation: UInt64
        /// Those by which the verifiers had it then, in their order.
        let links: [LinkID?]
        /// Its job when it fell silent.
        let job: Int
        let start: Instant
        let due: Instant

        var lasts: Bool {
            guard worker.incarnation == incarnation else { return false }
            return kind == .hang ? worker.state.compute.number == job : !worker.state.isRunning
        }
    }

    /// Silence ends a link after a second. Before that: bytes on their way, heartbeats, and the time in which a worker
    /// finds its own compute thread hung.
    private static let limit = Duration.milliseconds(1600)
    private static let limitIfHung = Duration.milliseconds(2200)

    private let verifiers: [VerifierProcess]
    private let timeline: Timeline
    private let journal: Journal
    /// Whether bytes may arrive long after they were sent.
    private let isNetworkSlow: Bool
    private var silences: [Silence] = []

    init(of cluster: Cluster, _ scenario: Scenario, _ timeline: Timeline, _ journal: Journal) {
        verifiers = cluster.verifiers
        self.timeline = timeline
        self.journal = journal
        isNetworkSlow = !scenario.faults.isDisjoint(with: [.bandwidth, .tinyLimits])
    }

    /// A worker is silent from now on, for a while.
    func expect(silenceOf worker: WorkerProcess, by kind: FaultKind, for span: Duration) {
        let limit = kind == .hang ? Self.limitIfHung : Self.limit
        guard span > limit, !isNetworkSlow else { return }
        silences.append(
            Silence(
                worker: worker,
                kind: kind,
                incarnation: worker.incarnation,
                links: verifiers.map { $0.link(of: worker.incarnation) },
                job: worker.state.compute.number,
                start: timeline.now,
                due: timeline.now + limit
            )
        )
    }

    /// Judges the silences that have lasted long enough. Called after every event, rather than at times of its own,
    /// which would change what seeds mean.
    func check() {
        guard !silences.isEmpty else { return }
        for silence in silences where silence.due <= timeline.now && silence.lasts {
            for (verifier, link) in zip(verifiers, silence.links) {
                guard verifier.state.isRunning, verifier.runningSince <= silence.start else { continue }
                guard let link, verifier.link(of: silence.incarnation) == link else { continue }
                let span = (timeline.now - silence.start).inMilliseconds
                let detail = "\(verifier.host) holds \(silence.worker.host) \(span) ms after a \(silence.kind.rawValue)"
                journal.fail(.detection, detail)
            }
        }
        silences.removeAll { $0.due <= timeline.now }
    }
}
