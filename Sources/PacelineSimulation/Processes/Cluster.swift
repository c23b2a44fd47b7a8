import PacelineCluster
import PacelineSpeculation

/// What every part of a simulation shares.
struct SimulationContext {
    let scenario: Scenario
    let timeline: Timeline
    let journal: Journal
    /// Takes the real time that the verifiers' machines need; nil if nobody asks.
    let meter: MachineMeter?
    /// Bugs that a test has planted.
    var interference = Interference()
    /// Everything that drafters proposed.
    let ledger = ProposalLedger()
}

/// The time that machines spend on events: what deciding costs, without arithmetic, sockets and simulation.
package final class MachineMeter {
    /// Nanoseconds of a clock that never goes back, such as the thread's processor time.
    private let clock: () -> UInt64
    /// What reading the clock adds to each measurement.
    private let overhead: UInt64
    package private(set) var nanoseconds: UInt64 = 0
    /// How often the clock is read at first, for ``overhead``.
    static let trialReads = 2002

    package init(clock: @escaping () -> UInt64) {
        self.clock = clock
        let empty = (0..<Self.trialReads / 2).map { _ in
            let start = clock()
            return clock() - start
        }
        overhead = empty.sorted()[empty.count / 2]
    }

    func measure<Result>(_ work: () -> Result) -> Result {
        let start = clock()
        defer { nanoseconds += max(clock() - start, overhead) - overhead }
        return work()
    }
}

/// A verifier's reference to a worker, which in turn holds the verifier.
private struct UnownedWorker {
    unowned let process: WorkerProcess
}

/// The processes of a scenario and the network between them.
struct Cluster {
    let network: SimulatedNetwork
    let verifiers: [VerifierProcess]
    let workers: [WorkerProcess]
    let byzantines: [ByzantineProcess]
    /// Those that ask verifiers themselves.
    let clients: [SimulatedClient]
    /// Gateways and their clients; nil without gateways.
    let fleet: GatewayFleet?

    /// Makes all processes and schedules their starts.
    init(_ context: SimulationContext) {
        let scenario = context.scenario
        let corruption = CorruptionCheck(scenario, journal: context.journal)
        let network = SimulatedNetwork(context, corruption)
        let verifiers = (0..<scenario.verifiers).map {
            VerifierProcess($0, context, network: network, corruption: corruption)
        }
        self.network = network
        self.verifiers = verifiers
        workers = scenario.workers.indices.map {
            WorkerProcess($0, context, network: network, verifiers: verifiers, corruption: corruption)
        }
        for verifier in verifiers {
            verifier.countDraftingWorkers = { [workers = workers.map(UnownedWorker.init)] in
                workers.count(where: \.process.isDrafting)
            }
        }
        fleet = scenario.gateways > 0 ? GatewayFleet(context, verifiers, network: network) : nil
        let direct = fleet == nil ? scenario.requests : []
        clients = direct.enumerated().map { index, request in
            SimulatedClient(index, request, of: verifiers[request.verifier ?? index % verifiers.count], context)
        }
        byzantines = (0..<scenario.byzantineWorkers).map {
            ByzantineProcess($0, context, network: network, verifiers: verifiers)
        }
    }

    var haveRequestsEnded: Bool {
        clients.allSatisfy { $0.ending != nil } && fleet?.haveStreamsEnded ?? true
    }
}
