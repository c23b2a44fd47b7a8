import PacelineMetrics
import PacelineServer

/// What `paceline top` shows. Rates, times and shares are those of the last seconds, or of the process's whole life if
/// nothing happened in them.
struct TopFigures: Encodable, Sendable {
    struct Requests: Encodable, Sendable {
        var running: Int
        var waiting: Int
        var slots: Int?
        /// Each second: those that ended well, and those that were refused or failed.
        var endedPerSecond: Double?
        var failedPerSecond: Double?

        enum CodingKeys: String, CodingKey {
            case running, waiting, slots
            case endedPerSecond = "ended_per_s"
            case failedPerSecond = "failed_per_s"
        }
    }

    struct Milliseconds: Encodable, Sendable {
        var median: Double
        var p99: Double

        enum CodingKeys: String, CodingKey {
            case p99
            case median = "p50"
        }
    }

    struct Drafting: Encodable, Sendable {
        var draftedTokens: Int
        var acceptedTokens: Int
        /// Accepted of drafted tokens, 0 to 1.
        var acceptance: Double?
        /// Tokens of a round with a tree, the correction included.
        var meanAcceptanceLength: Double?
        /// The share of trees with an accepted node at depth 1, 2 …
        var acceptanceByDepth: [Double]

        enum CodingKeys: String, CodingKey {
            case acceptance
            case draftedTokens = "num_draft_tokens"
            case acceptedTokens = "num_accepted_tokens"
            case meanAcceptanceLength = "mean_acceptance_length"
            case acceptanceByDepth = "acceptance_by_depth"
        }
    }

    struct PassTime: Encodable, Sendable {
        var rows: Int
        var milliseconds: Double

        enum CodingKeys: String, CodingKey {
            case rows
            case milliseconds = "ms"
        }
    }

    var model: String?
    var requests: Requests
    var tokensPerSecond: Double?
    var promptTokensPerSecond: Double?
    var timeToFirstToken: Milliseconds?
    var timeBetweenCommits: Milliseconds?
    /// 0 to 1.
    var cacheUse: Double?
    /// Prompt tokens that were found in the cache, 0 to 1.
    var prefixHits: Double?
    var drafting: Drafting
    var passTimes: [PassTime]
    var workers: [WorkerContribution]?
    /// A gateway's own figures, by their names without its prefix; their labels follow in braces.
    var gateway: [String: Double]?

    enum CodingKeys: String, CodingKey {
        case model, requests, drafting, workers, gateway
        case tokensPerSecond = "tokens_per_s"
        case promptTokensPerSecond = "prompt_tokens_per_s"
        case timeToFirstToken = "time_to_first_token_ms"
        case timeBetweenCommits = "inter_token_latency_ms"
        case cacheUse = "kv_cache_usage"
        case prefixHits = "prefix_cache_hits"
        case passTimes = "verify_pass"
    }

    static let gatewayPrefix = "paceline_gateway_"

    /// Tokens each second: those that a verifier generated, or that a gateway relayed.
    static func tokenRate(from first: TopReading, to last: TopReading) -> Double? {
        let counter = last.isOfGateway ? gatewayPrefix + "relayed_tokens_total" : "paceline_generation_tokens_total"
        return rate(counter, from: first, to: last)
    }

    /// - Returns: nil without a reading.
    init?(_ history: TopHistory) {
        guard let (first, last) = history.span else { return nil }
        let metrics = last.metrics
        func rate(_ name: String) -> Double? { Self.rate(name, from: first, to: last) }
        let growth = Growth(first: first.metrics, last: metrics)
        model = metrics["vllm:num_requests_running"].first?.labels["model_name"]
        let running = last.isOfGateway ? Self.gatewayPrefix + "requests_running" : "paceline_num_requests_running"
        requests = Requests(
            running: Self.count(metrics.value(running)),
            waiting: Self.count(metrics.value("paceline_num_requests_waiting")),
            slots: last.slots,
            endedPerSecond: rate("paceline_request_success_total"),
            failedPerSecond: rate("paceline_request_failures_total")
        )
        tokensPerSecond = Self.tokenRate(from: first, to: last)
        promptTokensPerSecond = rate("paceline_prompt_tokens_total")
        let prefix = last.isOfGateway ? Self.gatewayPrefix : "paceline_"
        timeToFirstToken = growth.quantiles(prefix + "time_to_first_token_seconds")
        timeBetweenCommits = growth.quantiles("paceline_inter_token_latency_seconds")
        cacheUse = metrics.value("paceline_kv_cache_usage_perc")
        prefixHits = growth.ratio("paceline_prefix_cache_hits_total", to: "paceline_prefix_cache_queries_total")
        drafting = growth.drafting
        passTimes = metrics.values("paceline_verify_pass_seconds", by: "rows")
            .compactMap { rows, seconds in Int(rows).map { PassTime(rows: $0, milliseconds: seconds * 1000) } }
            .sorted { $0.rows < $1.rows }
        workers = last.workers
        gateway = Self.gateway(metrics)
    }

    /// How fast a counter grew, each second; negative if it began anew. Nil if it is not there, or no time passed.
    static func rate(_ name: String, from first: TopReading, to last: TopReading) -> Double? {
        let seconds = (last.time - first.time) / .seconds(1)
        guard seconds > 0, let before = first.metrics.value(name), let after = last.metrics.value(name) else {
            return nil
        }
        return (after - before) / seconds
    }

    fileprivate static func count(_ value: Double?) -> Int { value.flatMap { Int(exactly: $0.rounded()) } ?? 0 }

    private static func gateway(_ metrics: MetricSamples) -> [String: Double]? {
        var figures: [String: Double] = [:]
        for name in metrics.names(beginning: gatewayPrefix) where !name.hasSuffix("_bucket") {
            for sample in metrics[name] where sample.value.isFinite {
                let labels = sample.labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
                let suffix = labels.isEmpty ? "" : "{\(labels.joined(separator: ","))}"
                figures[name.dropFirst(gatewayPrefix.count) + suffix] = sample.value
            }
        }
        return figures.isEmpty ? nil : figures
    }
}

/// What was added to counters and histograms from one reading to another.
private struct Growth {
    let first: MetricSamples
    let last: MetricSamples

    /// What was added, or all there is if that is nothing.
    private func recent(_ name: String) -> Double? {
        guard let after = last.value(name) else { return nil }
        let added = after - (first.value(name) ?? 0)
        return added > 0 ? added : after
    }

    private func hasGrown(_ name: String) -> Bool {
        (last.value(name) ?? 0) > (first.value(name) ?? 0)
    }

    private func added(_ name: String, over base: String) -> Double {
        (last.value(name) ?? 0) - (hasGrown(base) ? first.value(name) ?? 0 : 0)
    }

    /// One counter's growth by another's; nil if the other is 0.
    func ratio(_ name: String, to base: String) -> Double? {
        guard let all = recent(base), all > 0 else { return nil }
        return added(name, over: base) / all
    }

    var drafting: TopFigures.Drafting {
        let prefix = "paceline_spec_decode_num_"
        let (drafts, drafted) = (prefix + "drafts_total", prefix + "draft_tokens_total")
        let accepted = prefix + "accepted_tokens_total"
        var byDepth: [(depth: Int, share: Double)] = []
        if let trees = recent(drafts), trees > 0 {
            let perPosition = prefix + "accepted_tokens_per_pos_total"
            let before = Dictionary(first.values(perPosition, by: "position"), uniquingKeysWith: { $1 })
            for (position, count) in last.values(perPosition, by: "position") {
                guard let depth = Int(position) else { continue }
                let added = count - (hasGrown(drafts) ? before[position] ?? 0 : 0)
                byDepth.append((depth, added / trees))
            }
        }
        return TopFigures.Drafting(
            draftedTokens: TopFigures.count(last.value(drafted)),
            acceptedTokens: TopFigures.count(last.value(accepted)),
            acceptance: ratio(accepted, to: drafted),
            meanAcceptanceLength: ratio(accepted, to: drafts).map { 1 + $0 },
            acceptanceByDepth: byDepth.sorted { $0.depth < $1.depth }.map(\.share)
        )
    }

    /// Quantiles of a histogram of seconds, in milliseconds; nil for an empty one.
    func quantiles(_ name: String) -> TopFigures.Milliseconds? {
        let after = last.buckets(name)
        let before = Dictionary(first.buckets(name).map { ($0.bound, $0.count) }, uniquingKeysWith: { $1 })
        let isNew = (after.last?.count ?? 0) > (before[.infinity] ?? 0)
        let counts = after.map { (bound: $0.bound, count: $0.count - (isNew ? before[$0.bound] ?? 0 : 0)) }
        guard let median = Self.quantile(0.5, counts), let p99 = Self.quantile(0.99, counts) else { return nil }
        return TopFigures.Milliseconds(median: median * 1000, p99: p99 * 1000)
    }

    /// As Prometheus' `histogram_quantile`: values are spread evenly over their bucket, and the last bound stands for
    /// what lies beyond it.
    private static func quantile(_ share: Double, _ buckets: [(bound: Double, count: Double)]) -> Double? {
        guard let total = buckets.last?.count, total > 0 else { return nil }
        let wanted = share * total
        var (lower, below) = (0.0, 0.0)
        for (bound, count) in buckets {
            if count >= wanted {
                guard bound.isFinite else { return lower }
                return count > below ? lower + (bound - lower) * (wanted - below) / (count - below) : bound
            }
            (lower, below) = (bound, count)
        }
        return lower
    }
}
