import PacelineMetrics

/// A gateway's figures as metrics.
struct GatewayFamilies {
    private(set) var families: [MetricFamily] = []

    init(_ snapshot: GatewaySnapshot) {
        addReplicas(snapshot)
        addRequests(snapshot)
    }

    private mutating func addReplicas(_ snapshot: GatewaySnapshot) {
        var states = ["ready": 0, "spare": 0, "refusing": 0, "foreign": 0, "down": 0, "unknown": 0]
        for replica in snapshot.replicas { states[replica.state, default: 0] += 1 }
        gauge(
            "replicas",
            "Addresses of verifiers, by what they last answered; spare ones are further ones of one verifier.",
            states.sorted { $0.key < $1.key }.map { (MetricLabels([("state", $0.key)]), Double($0.value)) }
        )
        gauge("active_replicas", "Verifiers that get new requests.", Double(snapshot.replicas.count(where: \.isActive)))
        let labelled = snapshot.replicas.map { (MetricLabels([("replica", "\($0.address)")]), $0) }
        // A spare address is no verifier more, and none less.
        let verifiers = labelled.filter { $1.state != "spare" }
        gauge("replica_up", "1 if the verifier takes requests.", verifiers.map { ($0, $1.state == "ready" ? 1 : 0) })
        gauge(
            "replica_requests",
            "Requests that the verifier is answering for this gateway.",
            labelled.map { ($0, Double($1.requests)) }
        )
        gauge(
            "replica_outstanding_tokens",
            "Tokens that the verifier has left to read and to generate for them, as far as they say.",
            labelled.map { ($0, Double($1.outstandingTokens)) }
        )
    }

    private mutating func addRequests(_ snapshot: GatewaySnapshot) {
        let statistics = snapshot.statistics
        gauge("requests_running", "Requests that are being answered.", Double(snapshot.requests))
        counter(
            "requests_total",
            "Requests, by how they ended.",
            GatewayStatistics.Outcome.allCases.map { outcome in
                (MetricLabels([("outcome", outcome.rawValue)]), statistics.outcomes[outcome] ?? 0)
            }
        )
        let reasons = GatewayStatistics.Reason.allCases.map { ($0, MetricLabels([("reason", $0.rawValue)])) }
        counter(
            "retries_total",
            "Requests that went to another verifier before their clients had a token.",
            reasons.map { ($1, statistics.retries[$0] ?? 0) }
        )
        counter(
            "failovers_total",
            "Streams that went on with another verifier, by why.",
            reasons.map { ($1, statistics.failovers[$0] ?? 0) }
        )
        counter("relayed_tokens_total", "Tokens of streams.", [(.none, statistics.tokens)])
        histogram(
            "time_to_first_token_seconds",
            "From a stream's arrival to its first token.",
            statistics.timeToFirstToken
        )
        histogram(
            "added_seconds",
            "From a request's arrival until it was sent to the verifier that answered.",
            statistics.addedTime
        )
        histogram("failover_gap_seconds", "The silence of a stream that went on with another verifier.", statistics.gap)
    }

    private static let prefix = "paceline_gateway_"

    private mutating func gauge(_ name: String, _ help: String, _ value: Double) {
        gauge(name, help, [(.none, value)])
    }

    private mutating func gauge(_ name: String, _ help: String, _ values: [(MetricLabels, Double)]) {
        families.append(.gauge(MetricName(Self.prefix + name), help, values))
    }

    private mutating func counter(_ name: String, _ help: String, _ values: [(MetricLabels, Int)]) {
        families.append(.counter(MetricName(Self.prefix + name), help, values.map { ($0.0, Double($0.1)) }))
    }

    private mutating func histogram(_ name: String, _ help: String, _ histogram: Histogram) {
        families.append(.histogram(MetricName(Self.prefix + name), help, [(.none, histogram)]))
    }
}
