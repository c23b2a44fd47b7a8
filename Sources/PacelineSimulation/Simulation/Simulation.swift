package import PacelineCluster
import PacelineSpeculation

/// A whole cluster on one thread, in virtual time, from one seed. It runs the machines and the byte codec of production
/// over a simulated network, with mock models instead of arithmetic.
///
/// A run has two phases. Until ``Scenario/faultWindow`` ends, faults strike and only safety is asked for; then
/// everything heals, and everything must work again soon. Checks run on every step; the first broken promise ends the
/// run.
package final class Simulation {
    package let scenario: Scenario
    private let timeline: Timeline
    private let journal: Journal
    private let cluster: Cluster
    private let nemesis: Nemesis
    private let rest: RestCheck
    private let ledger: ProposalLedger

    /// - Parameters:
    ///   - meter: takes the real time that the verifiers' machines need.
    ///   - log: takes every event.
    package convenience init(_ scenario: Scenario, meter: MachineMeter? = nil, log: SimulationLog? = nil) throws {
        try self.init(scenario, Interference(), meter: meter, log: log)
    }

    /// - Parameter interference: bugs that a test plants.
    init(
        _ scenario: Scenario,
        _ interference: Interference,
        meter: MachineMeter? = nil,
        log: SimulationLog? = nil
    ) throws {
        self.scenario = scenario
        timeline = Timeline(seed: scenario.seed)
        journal = Journal(seed: scenario.seed, timeline: timeline, log: log)
        var context = SimulationContext(scenario: scenario, timeline: timeline, journal: journal, meter: meter)
        context.interference = interference
        ledger = context.ledger
        cluster = Cluster(context)
        nemesis = Nemesis(of: cluster, scenario, timeline, journal)
        rest = RestCheck(of: cluster, scenario, timeline, journal)
        for kind in FaultKind.conditions where scenario.faults.contains(kind) { journal.count(kind) }
    }

    package var now: Instant { timeline.now }
    package var statistics: SimulationStatistics { journal.statistics }
    package var violation: Violation? { journal.violation }
    /// When any client last got tokens.
    package var lastTokensAt: Instant? { journal.lastTokensAt }
    /// A hash of everything that has happened.
    package var trace: UInt64 { journal.trace }

    /// A verifier in numbers.
    package func snapshot(ofVerifier index: Int) -> VerifierSnapshot {
        cluster.verifiers[index].snapshot
    }

    /// What a verifier's forecasts are made from.
    package func draftingObservation(ofVerifier index: Int) -> DraftingObservation {
        cluster.verifiers[index].draftingObservation
    }

    /// Gives up what a verifier has decided and learnt, so that the memory of it can be told. The run is over then.
    package func dismantle(verifier index: Int) {
        cluster.verifiers[index].dismantle()
    }

    /// When the latest attempt of a client's request brought tokens.
    package func commitTimes(ofClient index: Int) -> [Instant] {
        cluster.clients[index].commitTimes
    }

    /// Runs until every request has ended and everything is at rest, or a promise is broken.
    package func run() {
        while !journal.isBroken, let action = timeline.next() {
            journal.statistics.events += 1
            journal.mark(now.nanoseconds)
            action()
            nemesis.checkDetection()
            let haveRequestsEnded = cluster.haveRequestsEnded
            if haveRequestsEnded { nemesis.heal() }
            guard timeline.healedAt != nil else { continue }
            if haveRequestsEnded, rest.isAtRest {
                rest.checkAccounts()
                break
            }
            rest.checkLiveness()
        }
        finish()
    }

    /// Runs for a span of virtual time, and judges nothing but safety. May be called again to go on.
    package func run(for time: Duration) {
        let end = now + time
        while !journal.isBroken, let action = timeline.next(by: end) {
            journal.statistics.events += 1
            action()
        }
        timeline.skip(to: end)
    }

    private func finish() {
        journal.statistics.virtualNanoseconds = now.nanoseconds
        journal.statistics.featureRows = ledger.featureRows
        cluster.network.finish()
        cluster.fleet?.finish()
        for verifier in cluster.verifiers {
            journal.statistics.add(verifier.snapshot)
            journal.statistics.verifiedNodes += verifier.target.verifiedNodes
            journal.statistics.reusedTokens += verifier.target.reusedTokens
        }
        journal.mark(timeline.random.next())
    }
}
