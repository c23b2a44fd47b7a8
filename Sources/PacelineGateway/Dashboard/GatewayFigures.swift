import PacelineMetrics
import PacelineServer

/// A gateway's figures for the page.
struct GatewayFigures {
    /// What a viewer sees at once when it changes: which verifiers there are, how they are, and cut streams.
    struct Landmarks: Equatable {
        struct Verifier: Equatable {
            let address: ReplicaAddress
            let state: String
            let generation: String?
            let isActive: Bool
            let isListed: Bool
        }

        let verifiers: [Verifier]
        let failovers: [GatewayStatistics.Reason: Int]
    }

    private let snapshot: GatewaySnapshot

    init(_ snapshot: GatewaySnapshot) {
        self.snapshot = snapshot
    }

    /// Whether a verifier takes new requests.
    var isServing: Bool { snapshot.replicas.contains(where: \.isActive) }

    var landmarks: Landmarks {
        Landmarks(
            verifiers: snapshot.replicas.map { replica in
                Landmarks.Verifier(
                    address: replica.address,
                    state: replica.state,
                    generation: replica.generation,
                    isActive: replica.isActive,
                    isListed: replica.isListed
                )
            },
            failovers: snapshot.statistics.failovers
        )
    }

    /// What a viewer is told once.
    ///
    /// - Parameter incarnation: another one for each life of the process, whose counts begin with nothing.
    func greeting(build: String, incarnation: String) -> JSONValue {
        let statistics = snapshot.statistics
        return [
            "kind": "gateway", "build": .string(build), "incarnation": .string(incarnation),
            "first_token_bounds": Self.bounds(statistics.timeToFirstToken),
            "added_bounds": Self.bounds(statistics.addedTime), "gap_bounds": Self.bounds(statistics.gap),
        ]
    }

    var json: JSONValue {
        let statistics = snapshot.statistics
        return [
            "tokens": .int(statistics.tokens),
            "running": .int(snapshot.requests),
            "outcomes": .object(
                GatewayStatistics.Outcome.allCases.map { ($0.rawValue, .int(statistics.outcomes[$0] ?? 0)) }
            ),
            "first_token": Self.counts(statistics.timeToFirstToken),
            "added": Self.counts(statistics.addedTime),
            "gap": Self.counts(statistics.gap),
            "retries": Self.byReason(statistics.retries),
            "failovers": Self.byReason(statistics.failovers),
            "replicas": .array(snapshot.replicas.map(Self.replica)),
        ]
    }

    private static func replica(_ replica: GatewaySnapshot.Entry) -> JSONValue {
        [
            "address": .string("\(replica.address)"), "url": .string(replica.address.url + "/"),
            "state": .string(replica.state), "generation": replica.generation.map { .string($0) } ?? .null,
            "active": .bool(replica.isActive), "listed": .bool(replica.isListed),
            "requests": .int(replica.requests), "outstanding": .int(replica.outstandingTokens),
            "moves": byReason(replica.moves),
        ]
    }

    /// Reasons that there were.
    private static func byReason(_ counts: [GatewayStatistics.Reason: Int]) -> JSONValue {
        .object(
            GatewayStatistics.Reason.allCases.compactMap { reason in
                counts[reason].map { (reason.rawValue, .int($0)) }
            }
        )
    }

    /// The counts of its buckets; the page knows the bounds from the greeting.
    private static func counts(_ histogram: Histogram) -> JSONValue {
        .array(histogram.counts.map { .unsigned($0) })
    }

    private static func bounds(_ histogram: Histogram) -> JSONValue {
        .array(histogram.bounds.values.map { .number($0) })
    }
}
