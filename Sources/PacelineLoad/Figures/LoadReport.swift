import PacelineSpeculation

/// The result of a load test, as it is printed as JSON.
package struct LoadReport: Encodable, Sendable {
    /// What was asked for.
    package struct Setting: Encodable, Sendable {
        package var url: String
        package var model: String
        package var endpoint: String
        package var prompts: String
        package var maxTokens: Int
        /// Requests a second of an open loop, and how their times are spread; nil for a closed loop.
        package var rate: Double?
        package var arrivals: String?
        /// Requests under way of a closed loop; nil for an open one.
        package var concurrency: Int?
        package var durationSeconds: Double?
        package var requests: Int?
        package var warmupSeconds: Double
        /// Turns of each side of a comparison.
        package var turns: Int?
        package var seed: UInt64
        package var goodput: [String: Double]?

        package init(
            url: String,
            model: String,
            endpoint: String,
            prompts: String,
            maxTokens: Int,
            warmup: Duration,
            seed: UInt64
        ) {
            self.url = url
            self.model = model
            self.endpoint = endpoint
            self.prompts = prompts
            self.maxTokens = maxTokens
            warmupSeconds = warmup.inMilliseconds / 1000
            self.seed = seed
        }

        enum CodingKeys: String, CodingKey {
            case url, model, endpoint, prompts, rate, arrivals, concurrency, requests, turns, seed
            case maxTokens = "max_tokens"
            case durationSeconds = "duration_s"
            case warmupSeconds = "warmup_s"
            case goodput = "goodput_ms"
        }
    }

    package var setting: Setting
    /// Whether the test was ended before its time.
    package var isInterrupted: Bool
    /// A result for each way of asking: one, or `plain` and `speculative`.
    package var results: [LoadResult]
    /// Speculative figures divided by plain ones.
    package var comparison: LoadComparison?
    /// Sentences about what makes the figures doubtful.
    package var warnings: [String]

    package init(
        setting: Setting,
        isInterrupted: Bool,
        results: [LoadResult],
        comparison: LoadComparison?,
        warnings: [String]
    ) {
        self.setting = setting
        self.isInterrupted = isInterrupted
        self.results = results
        self.comparison = comparison
        self.warnings = warnings
    }

    enum CodingKeys: String, CodingKey {
        case setting, results, comparison, warnings
        case isInterrupted = "interrupted"
    }
}

/// The figures of one way of asking.
package struct LoadResult: Encodable, Sendable {
    package struct Requests: Encodable, Sendable {
        package var sent: Int
        package var completed: Int
        package var abandoned: Int
        /// By the name of the failure: how many, and what the first one said.
        package var failed: [String: Int]
        package var examples: [String: String]
    }

    package struct Throughput: Encodable, Sendable {
        /// From the first measured request's intended time to the last one's end.
        package var elapsedSeconds: Double
        /// Requests a second that were due in an open loop, and that were answered to the end.
        package var offeredRequests: Double?
        package var completedRequests: Double
        package var outputTokens: Double
        package var totalTokens: Double

        enum CodingKeys: String, CodingKey {
            case elapsedSeconds = "elapsed_s"
            case offeredRequests = "offered_requests_per_s"
            case completedRequests = "completed_requests_per_s"
            case outputTokens = "output_tokens_per_s"
            case totalTokens = "total_tokens_per_s"
        }
    }

    package struct Goodput: Encodable, Sendable {
        package var requests: Int
        /// Of all requests that were sent, 0 to 1.
        package var share: Double
        package var requestsPerSecond: Double

        enum CodingKeys: String, CodingKey {
            case requests, share
            case requestsPerSecond = "requests_per_s"
        }
    }

    package struct Tokens: Encodable, Sendable {
        package var prompt: Int
        package var output: Int
        package var drafted: Int?
        package var accepted: Int?
    }

    package var name: String
    package var requests: Requests
    package var throughput: Throughput
    package var goodput: Goodput?
    package var tokens: Tokens
    /// In milliseconds, by the latency's name.
    package var latencies: [String: LatencySummary]

    enum CodingKeys: String, CodingKey {
        case name, requests, throughput, goodput, tokens
        case latencies = "latency_ms"
    }

    /// - Parameters:
    ///   - isOpenLoop: whether there was a schedule to keep.
    ///   - hasGoodput: whether limits were stated.
    package init(_ name: String, _ figures: LoadFigures, isOpenLoop: Bool, hasGoodput: Bool) {
        self.name = name
        requests = Requests(
            sent: figures.sent,
            completed: figures.completed,
            abandoned: figures.abandoned,
            failed: Dictionary(uniqueKeysWithValues: figures.failures.map { ($0.key.rawValue, $0.value) }),
            examples: Dictionary(uniqueKeysWithValues: figures.notes.map { ($0.key.rawValue, $0.value) })
        )
        throughput = Throughput(
            elapsedSeconds: figures.elapsed.inMilliseconds / 1000,
            offeredRequests: isOpenLoop ? figures.offeredRate : nil,
            completedRequests: figures.rate(figures.completed),
            outputTokens: figures.rate(figures.outputTokens),
            totalTokens: figures.rate(figures.promptTokens + figures.outputTokens)
        )
        if hasGoodput {
            goodput = Goodput(
                requests: figures.good,
                share: figures.sent > 0 ? Double(figures.good) / Double(figures.sent) : 0,
                requestsPerSecond: figures.rate(figures.good)
            )
        }
        tokens = Tokens(
            prompt: figures.promptTokens,
            output: figures.outputTokens,
            drafted: figures.draftedTokens,
            accepted: figures.acceptedTokens
        )
        latencies = Dictionary(
            uniqueKeysWithValues: LoadFigures.Latency.allCases.compactMap { latency in
                LatencySummary(figures.histogram(latency)).map { (latency.rawValue, $0) }
            }
        )
    }

    /// The summary of a latency; nil if there was none.
    package func latency(_ latency: LoadFigures.Latency) -> LatencySummary? { latencies[latency.rawValue] }
}

/// A distribution in a few numbers, in milliseconds.
package struct LatencySummary: Encodable, Sendable, Hashable {
    package var count: Int
    package var mean: Double
    package var median: Double
    package var p90: Double
    package var p99: Double
    package var p999: Double
    package var maximum: Double

    enum CodingKeys: String, CodingKey {
        case count, mean, p90, p99
        case median = "p50"
        case p999 = "p99_9"
        case maximum = "max"
    }

    /// - Parameter histogram: of microseconds.
    /// - Returns: nil for an empty one.
    package init?(_ histogram: HDRHistogram) {
        guard histogram.totalCount > 0 else { return nil }
        func percentile(_ percentile: Double) -> Double { Double(histogram.value(atPercentile: percentile)) / 1000 }
        count = histogram.totalCount
        mean = histogram.mean / 1000
        median = percentile(50)
        p90 = percentile(90)
        p99 = percentile(99)
        p999 = percentile(99.9)
        maximum = Double(histogram.maximum) / 1000
    }
}
