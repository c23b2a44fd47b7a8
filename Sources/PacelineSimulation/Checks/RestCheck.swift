import PacelineCluster
import PacelineSpeculation

/// Whether, after everything has healed, everything works again soon and nothing is left of any request.
struct RestCheck {
    /// The longest wait of a worker between two attempts to connect, its handshake, and the time to notice that a
    /// half-open connection is one.
    private static let recovery = Duration.seconds(14)

    let cluster: Cluster
    let scenario: Scenario
    let timeline: Timeline
    let journal: Journal

    /// Whether every worker is connected and no process has anything left to do.
    var isAtRest: Bool {
        cluster.verifiers.allSatisfy(\.isIdle) && cluster.workers.allSatisfy(\.isIdle) && missingLinks == 0
            && cluster.verifiers.allSatisfy { $0.strangerCount == 0 } && !cluster.network.hasDeadConnection
    }

    /// Links of workers that should be up and are not.
    private var missingLinks: Int {
        let room = min(cluster.workers.count, scenario.verifier.workerLimit)
        return cluster.verifiers.reduce(0) { $0 + max(0, room - $1.workerCount) }
    }

    /// Everything must work again soon.
    func checkLiveness() {
        let passes = cluster.clients.reduce(0) { $0 + $1.passes(prefillRows: scenario.verifier.prefillRows) }
        let longest = scenario.costs.milliseconds(rows: scenario.verifier.prefillRows + 64) + 60
        let limit = Self.recovery + .fromMilliseconds(Double(passes) * longest)
        guard let healedAt = timeline.healedAt, timeline.now - healedAt > limit else { return }
        let open = cluster.clients.filter { $0.ending == nil }.map(\.index)
        guard open.isEmpty else {
            return journal.fail(.liveness, "clients \(open) still wait \(limit) after everything healed")
        }
        let verifiers = cluster.verifiers.map { "\($0.snapshot)" }.joined(separator: "; ")
        journal.fail(missingLinks > 0 ? .liveness : .accounting, "not at rest after \(limit); \(verifiers)")
    }
}
