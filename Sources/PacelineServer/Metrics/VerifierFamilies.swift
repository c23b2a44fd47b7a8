import PacelineCluster
import PacelineMetrics
import PacelineModel
import PacelineSpeculation

/// A verifier's figures as metrics. Names and buckets follow vLLM's if it has them, with the prefix `paceline_`.
struct VerifierFamilies {
    private(set) var families: [MetricFamily] = []

    /// - Parameters:
    ///   - pages: of keys and values; nil for an engine without pages.
    ///   - gains: what one more worker would bring, by drafter.
    init(_ figures: SnapshotBoard.Figures, pages: KVPageUsage?, gains: [MarginalGain] = []) {
        addState(figures.verifier, pages: pages)
        addCounts(figures.requests)
        addTimes(figures.requests)
        addSpeculation(figures.verifier)
        addDrafters(figures.verifier)
        addGains(gains)
        addPasses(figures.verifier)
    }

    /// The name of a figure in vLLM; nil for what only Paceline has.
    static func vllmName(of family: MetricFamily) -> MetricName? {
        let name = family.name.text.dropFirst(prefix.count)
        return shared.contains(String(name)) ? MetricName("vllm:" + name) : nil
    }

    private static let prefix = "paceline_"
    /// Figures that vLLM has by the same definition.
    private static let shared: Set = [
        "num_requests_running", "num_requests_waiting", "kv_cache_usage_perc", "prefix_cache_queries_total",
        "prefix_cache_hits_total", "prompt_tokens_total", "generation_tokens_total", "request_success_total",
        "spec_decode_num_drafts_total", "spec_decode_num_draft_tokens_total",
        "spec_decode_num_accepted_tokens_total", "spec_decode_num_accepted_tokens_per_pos_total",
        "time_to_first_token_seconds", "inter_token_latency_seconds", "request_time_per_output_token_seconds",
        "e2e_request_latency_seconds", "request_queue_time_seconds", "request_prefill_time_seconds",
        "request_decode_time_seconds", "request_prompt_tokens", "request_generation_tokens", "cache_config_info",
    ]

    // MARK: Adding

    private mutating func gauge(_ name: String, _ help: String, _ value: Double) {
        families.append(.gauge(MetricName(Self.prefix + name), help, [(.none, value)]))
    }

    private mutating func gauge(_ name: String, _ help: String, label: String, _ values: [(String, Double)]) {
        families.append(
            .gauge(MetricName(Self.prefix + name), help, values.map { (MetricLabels([(label, $0.0)]), $0.1) })
        )
    }

    private mutating func counter(_ name: String, _ help: String, _ value: Int) {
        families.append(.counter(MetricName(Self.prefix + name), help, [(.none, Double(value))]))
    }

    private mutating func counter(_ name: String, _ help: String, label: String, _ values: [(String, Int)]) {
        families.append(
            .counter(MetricName(Self.prefix + name), help, values.map { (MetricLabels([(label, $0.0)]), Double($0.1)) })
        )
    }

    private mutating func histogram(_ name: String, _ help: String, _ histogram: Histogram) {
        families.append(.histogram(MetricName(Self.prefix + name), help, [(.none, histogram)]))
    }

    // MARK: Topics

    private mutating func addState(_ verifier: VerifierSnapshot, pages: KVPageUsage?) {
        gauge("num_requests_running", "Running requests.", Double(verifier.running))
        gauge("num_requests_waiting", "Requests waiting for a slot.", Double(verifier.waiting))
        gauge(
            "kv_cache_usage_perc",
            "Share of the pages for keys and values that is in use, 0 to 1.",
            pages?.fraction ?? 0
        )
        let looked = verifier.prefilledTokens + verifier.reusedTokens
        counter("prefix_cache_queries_total", "Prompt tokens that were looked up in the cache.", looked)
        counter("prefix_cache_hits_total", "Prompt tokens that were found in the cache.", verifier.reusedTokens)
        guard let pages else { return }
        let labels: MetricLabels = [
            "block_size": "\(KVPageUsage.tokensPerPage)", "num_gpu_blocks": "\(pages.capacity)",
        ]
        let name = MetricName(Self.prefix + "cache_config_info")
        families.append(.info(name, "Tokens of a page of keys and values, and number of pages.", labels))
    }

    private mutating func addCounts(_ requests: RequestFigures) {
        counter("prompt_tokens_total", "Prompt tokens of requests that got a token.", requests.promptTokens)
        counter("generation_tokens_total", "Generated tokens.", requests.generationTokens)
        counter(
            "request_success_total",
            "Requests that ended without a fault.",
            label: "finished_reason",
            [("stop", FinishReason.stop), ("length", .length), ("abort", .cancelled)].map {
                ($0.0, requests.finished[$0.1] ?? 0)
            }
        )
        counter(
            "request_failures_total",
            "Requests that were refused or failed.",
            label: "reason",
            RequestFault.Kind.allCases.map { ($0.rawValue, requests.failures[$0] ?? 0) }
        )
    }

    private mutating func addTimes(_ requests: RequestFigures) {
        histogram("time_to_first_token_seconds", "From submission to the first token.", requests.timeToFirstToken)
        histogram(
            "inter_token_latency_seconds",
            "Between two commits of a request; a commit may bring several tokens.",
            requests.interTokenLatency
        )
        histogram(
            "request_time_per_output_token_seconds",
            "From the first token to the last, for each token after the first.",
            requests.timePerOutputToken
        )
        histogram("e2e_request_latency_seconds", "From submission to the last token.", requests.latency)
        histogram("request_queue_time_seconds", "From submission to admission.", requests.queueTime)
        histogram("request_prefill_time_seconds", "From admission to the first token.", requests.prefillTime)
        histogram("request_decode_time_seconds", "From the first token to the last.", requests.decodeTime)
        histogram("request_prompt_tokens", "Prompt tokens of a request.", requests.promptLength)
        histogram("request_generation_tokens", "Generated tokens of a request.", requests.generationLength)
    }

    private mutating func addSpeculation(_ verifier: VerifierSnapshot) {
        let figures = verifier.speculation
        counter("spec_decode_num_drafts_total", "Trees that were verified.", figures.drafts)
        counter("spec_decode_num_draft_tokens_total", "Nodes that were verified.", figures.draftedTokens)
        counter("spec_decode_num_accepted_tokens_total", "Nodes that were accepted.", figures.acceptedTokens)
        counter(
            "spec_decode_num_accepted_tokens_per_pos_total",
            "Trees with an accepted node at this depth.",
            label: "position",
            figures.acceptedPerPosition.enumerated().map { ("\($0.offset)", $0.element) }
        )
        let trees = verifier.trees
        counter(
            "trees_total",
            "Trees that workers sent, by outcome.",
            label: "outcome",
            [
                ("current", trees.current), ("rerooted", trees.rerooted), ("stale", trees.stale),
                ("over_credit", trees.overCredit), ("invalid", trees.invalid), ("flooded", trees.flooded),
            ]
        )
    }

    private mutating func addDrafters(_ verifier: VerifierSnapshot) {
        gauge("num_workers", "Connected workers.", Double(verifier.workers.count(where: \.isConnected)))
        counter(
            "workers_dismissed_total",
            "Workers whose connections were closed because they kept breaking rules.",
            verifier.dismissedWorkers
        )
        gauge(
            "doubted_addresses",
            "Addresses whose workers left without having been of use; strangers from there begin in doubt.",
            Double(verifier.doubtedAddresses)
        )
        let drafters = verifier.drafters
        gauge(
            "drafter_workers",
            "Connected workers, by drafter.",
            label: "drafter",
            drafters.map { ($0.name, Double($0.workers)) }
        )
        gauge(
            "drafter_resting_workers",
            "Connected workers that are not asked to draft, because drafting did not pay.",
            label: "drafter",
            drafters.map { ($0.name, Double($0.resting)) }
        )
        counter(
            "drafter_draft_tokens_total",
            "Nodes of a drafter that were verified.",
            label: "drafter",
            drafters.map { ($0.name, $0.draftTokens) }
        )
        counter(
            "drafter_accepted_tokens_total",
            "Nodes of a drafter that were accepted.",
            label: "drafter",
            drafters.map { ($0.name, $0.acceptedTokens) }
        )
    }

    /// Of a drafter that too little is known of there is no series, rather than a gain of 0.
    private mutating func addGains(_ gains: [MarginalGain]) {
        gauge(
            "drafter_marginal_gain_tokens_per_second",
            "Tokens a second that one more worker with this drafter would bring, as the planner's model expects.",
            label: "drafter",
            gains.map { ($0.drafter, $0.tokensPerSecond) }
        )
    }

    private mutating func addPasses(_ verifier: VerifierSnapshot) {
        counter("verify_passes_total", "Passes of the target.", verifier.passes)
        counter("plain_rounds_total", "Rounds of a sequence without a tree to verify.", verifier.plainRounds)
        gauge(
            "verify_pass_seconds",
            "The cost curve: the time of a pass by its rows, measured at start-up and kept up to date.",
            label: "rows",
            verifier.costs.map { ("\($0.rows)", $0.milliseconds / 1e3) }
        )
    }
}
