import PacelineCluster
import PacelineMetrics
import PacelineSpeculation
import PacelineWire

/// A worker's figures as metrics. What it drafts with is a label, as in a verifier's, so that both can be joined.
struct WorkerFamilies {
    private(set) var families: [MetricFamily] = []
    private let drafter: MetricLabels

    init(_ worker: WorkerSnapshot) {
        drafter = ["drafter": worker.drafter]
        addVerifiers(worker)
        addDrafting(worker)
        addSequences(worker)
    }

    private mutating func addVerifiers(_ worker: WorkerSnapshot) {
        gauge("connected_verifiers", "Verifiers that the worker is connected to.", Double(worker.connectedVerifiers))
        gauge(
            "known_verifiers",
            "Addresses of verifiers that the worker is to serve, of --connect and --discover.",
            Double(worker.verifiers.count)
        )
        counter("connections_made_total", "Connections to verifiers that were made.", worker.tally.connectionsMade)
        counter(
            "connections_lost_total",
            "Those of them that ended without being told to, as when a verifier dies.",
            worker.tally.connectionsLost
        )
    }

    private mutating func addDrafting(_ worker: WorkerSnapshot) {
        let tally = worker.tally
        counter("drafted_nodes_total", "Nodes that the worker drafted.", tally.draftedNodes)
        counter("verified_nodes_total", "Its nodes that verifiers verified.", tally.verifiedNodes)
        counter("accepted_nodes_total", "Its nodes that were accepted.", tally.acceptedNodes)
        let name = MetricName("paceline_worker_drafting_seconds_total")
        let seconds = tally.draftingTime.inMilliseconds / 1000
        families.append(.counter(name, "Time that the drafting thread spent in drafting.", [(drafter, seconds)]))
        gauge(
            "drafted_nodes_per_second",
            "Nodes drafted a second, over about the last ten seconds.",
            worker.nodesPerSecond
        )
    }

    private mutating func addSequences(_ worker: WorkerSnapshot) {
        gauge("slots", "Sequences that the worker may draft for at once.", Double(worker.slots))
        gauge("sequences", "Sequences that the worker drafts for.", Double(worker.sequences))
        counter("opened_sequences_total", "Sequences that verifiers opened at the worker.", worker.tally.requests)
        families.append(
            .gauge(
                "paceline_worker_resting_sequences",
                "Those of them for which the verifier asks for nothing at present, and why.",
                DraftRestReason.allCases.map { reason in
                    (drafter.merging(["reason": reason.label]), Double(worker.resting[reason] ?? 0))
                }
            )
        )
    }

    private mutating func gauge(_ name: String, _ help: String, _ value: Double) {
        families.append(.gauge(MetricName("paceline_worker_" + name), help, [(drafter, value)]))
    }

    private mutating func counter(_ name: String, _ help: String, _ value: Int) {
        families.append(.counter(MetricName("paceline_worker_" + name), help, [(drafter, Double(value))]))
    }
}

extension DraftRestReason {
    /// Its name as a label's value.
    fileprivate var label: String {
        switch self {
        case .unspecified: "unknown"
        case .useless: "useless"
        case .slower: "slower"
        case .measuring: "measuring"
        }
    }
}
