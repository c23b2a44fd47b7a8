import PacelineCluster
import PacelineSpeculation

/// Checks that everything works again soon after healing, and that no request leaves anything behind.
struct RestCheck {
    /// The longest wait of a worker between two attempts to connect, a handshake, and the time to notice a half-open
    /// connection.
    private static let recovery = Duration.seconds(14)

    private let cluster: Cluster
    private let timeline: Timeline
    private let journal: Journal
    /// How many links each verifier should hold.
    private let expectedLinks: Int
    /// How long after healing everything must be at rest.
    private let limit: Duration

    init(of cluster: Cluster, _ scenario: Scenario, _ timeline: Timeline, _ journal: Journal) {
        self.cluster = cluster
        self.timeline = timeline
        self.journal = journal
        expectedLinks = min(scenario.workers.count { !$0.isForeign }, scenario.verifier.workerLimit)
        let rows = scenario.verifier.prefillRows
        let passes = cluster.clients.reduce(0) { $0 + $1.passes(prefillRows: rows) }
        let slowdown = 1 + scenario.contention * Double(scenario.workers.count)
        let longest = slowdown * scenario.costs.milliseconds(rows: rows + 64) + 60
        let direct = Self.recovery + .fromMilliseconds(Double(passes) * longest)
        limit = direct + (cluster.fleet?.recovery(passMilliseconds: longest, prefillRows: rows) ?? .zero)
    }

    /// Whether every worker is connected and every process idle.
    var isAtRest: Bool {
        cluster.verifiers.allSatisfy(\.isIdle) && cluster.workers.allSatisfy(\.isIdle) && missingLinks == 0
            && cluster.verifiers.allSatisfy { $0.strangerCount == 0 } && !cluster.network.hasDeadConnection
            && cluster.fleet?.isIdle ?? true
    }

    /// How many links of workers should be up and are not.
    private var missingLinks: Int {
        cluster.verifiers.reduce(0) { $0 + max(0, expectedLinks - $1.workerCount) }
    }

    /// At rest nothing is reserved or drafted for, and the verifier has counted what its engine did.
    func checkAccounts() {
        cluster.fleet?.checkAccounts()
        for worker in cluster.workers where worker.draftCount > 0 {
            journal.fail(.accounting, "\(worker.host) is at rest and keeps \(worker.draftCount) drafts")
        }
        for verifier in cluster.verifiers {
            let snapshot = verifier.snapshot
            let drafting = snapshot.workers.filter { $0.isConnected && $0.openRequests > 0 }.map(\.name)
            if snapshot.reservedTokens > 0 || !drafting.isEmpty {
                let rest = "\(snapshot.reservedTokens) tokens reserved and \(drafting) drafting"
                journal.fail(.accounting, "\(verifier.host) is at rest with \(rest)")
            }
            let counted = (snapshot.prefilledTokens, snapshot.reusedTokens)
            if counted != (verifier.target.computedTokens, verifier.target.reusedTokens) {
                let done = "\(verifier.target.computedTokens) and \(verifier.target.reusedTokens)"
                let detail = "counted \(counted.0) prompt tokens computed and \(counted.1) reused in place of \(done)"
                journal.fail(.accounting, "\(verifier.host) \(detail)")
            }
        }
    }

    /// Everything must work again soon.
    func checkLiveness() {
        guard let healedAt = timeline.healedAt, timeline.now - healedAt > limit else { return }
        let open = cluster.clients.filter { $0.ending == nil }.map(\.index) + (cluster.fleet?.openStreams ?? [])
        guard open.isEmpty else {
            return journal.fail(.liveness, "clients \(open) still wait \(limit) after everything healed")
        }
        let verifiers = cluster.verifiers.map { "\($0.snapshot)" }.joined(separator: "; ")
        let gateways = cluster.fleet.map { "; \($0.summary)" } ?? ""
        let isCutOff = missingLinks > 0 || cluster.fleet?.knowsVerifiers == false
        let detail = "\(restless) not at rest after \(limit); \(verifiers)\(gateways)"
        journal.fail(isCutOff ? .liveness : .accounting, detail)
    }

    /// Processes that still do something, or hold something.
    private var restless: [String] {
        let verifiers = cluster.verifiers.filter { !$0.isIdle || $0.strangerCount > 0 }.map(\.host)
        let workers = cluster.workers.filter { !$0.isIdle }.map(\.host)
        let network = cluster.network.hasDeadConnection ? ["network"] : []
        return verifiers + workers + network + (cluster.fleet?.isIdle ?? true ? [] : ["gateways"])
    }
}
