import CoreMetrics
import Dispatch
import Logging
import PacelineCluster
import PacelineMetrics
import PacelineModel
import PacelineServer
import PacelineSimulation
import PacelineSpeculation
import Testing

@Suite("The metrics of a server", .timeLimit(.minutes(2)))
struct ServerMetricsTests {
    /// Names that routers, recipes and `vllm bench serve` ask for.
    private static let vllmNames = [
        "num_requests_running", "num_requests_waiting", "kv_cache_usage_perc", "prefix_cache_queries_total",
        "prefix_cache_hits_total", "prompt_tokens_total", "generation_tokens_total",
        "request_success_total", "spec_decode_num_drafts_total", "spec_decode_num_draft_tokens_total",
        "spec_decode_num_accepted_tokens_total", "time_to_first_token_seconds", "inter_token_latency_seconds",
        "e2e_request_latency_seconds", "request_queue_time_seconds", "request_prefill_time_seconds",
        "request_decode_time_seconds", "request_prompt_tokens", "request_generation_tokens",
    ]

    @Test("are there before the model is loaded, with vLLM's names and the model's name")
    func loading() {
        let metrics = ServerMetrics(modelName: "a\"b")
        let (text, contentType) = metrics.metricsText(accept: nil)
        #expect(contentType == "text/plain; version=0.0.4; charset=utf-8")
        let lines = text.split(separator: "\n")
        for name in Self.vllmNames {
            #expect(lines.contains { $0.hasPrefix("# TYPE paceline_\(name) ") }, "\(name)")
            #expect(lines.contains { $0.hasPrefix("# TYPE vllm:\(name) ") }, "\(name)")
        }
        #expect(lines.contains("paceline_num_requests_waiting 0"))
        #expect(lines.contains("vllm:num_requests_waiting{model_name=\"a\\\"b\"} 0"))
        #expect(lines.contains("vllm:request_success_total{finished_reason=\"stop\",model_name=\"a\\\"b\"} 0"))
        #expect(lines.contains("vllm:e2e_request_latency_seconds_bucket{model_name=\"a\\\"b\",le=\"7680.0\"} 0"))
    }

    @Test("end with EOF for who asks for OpenMetrics")
    func openMetrics() {
        let (text, contentType) = ServerMetrics(modelName: "m").metricsText(accept: "application/openmetrics-text")
        #expect(contentType.hasPrefix("application/openmetrics-text; version=1.0.0"))
        #expect(text.hasSuffix("\n# EOF\n"))
    }

    @Test("count what a verifier does, and are read while its event loop is stuck, without work for the verifier")
    func stuck() async throws {
        let log = StickingLog(word: "all requests have ended")
        let pages = KVPageUsage(used: 3, capacity: 12)
        let verifier = try await Self.verifier(Logger(label: "test") { _ in log }, pages: pages)
        let metrics = ServerMetrics(modelName: "m")
        metrics.begin(reading: verifier.board, of: verifier.target)
        let sampling = SamplingParameters(seed: 2)
        let handle = verifier.submit(GenerationRequest(prompt: [1, 2], sampling: sampling, maximumTokens: 20))
        for await _ in handle.events {}
        while verifier.board.latest?.requests.finished != [.length: 1] { try await Task.sleep(for: .milliseconds(1)) }

        let drained = Task { try await verifier.drain(grace: .seconds(60)) }
        while !log.isStuck { try await Task.sleep(for: .milliseconds(1)) }
        let publications = verifier.board.publications
        var texts: Set<String> = []
        for _ in 0..<20 { texts.insert(metrics.metricsText(accept: nil).text) }
        #expect(verifier.board.publications == publications)
        log.release()
        try await drained.value
        try await verifier.shutdown()

        #expect(texts.count == 1)
        let lines = try #require(texts.first).split(separator: "\n")
        #expect(lines.count < 900)
        #expect(lines.contains("paceline_kv_cache_usage_perc 0.25"))
        #expect(lines.contains("paceline_cache_config_info{block_size=\"64\",num_gpu_blocks=\"12\"} 1"))
        for line in [
            "request_success_total{finished_reason=\"length\"} 1", "generation_tokens_total 20",
            "prompt_tokens_total 2", "num_requests_running 0", "time_to_first_token_seconds_count 1",
            "inter_token_latency_seconds_count 19", "request_generation_tokens_sum 20", "plain_rounds_total 20",
        ] {
            #expect(lines.contains("paceline_\(line)"), "\(line)")
        }
    }

    @Test("hold what libraries record, behind the verifier's")
    func libraries() {
        let registry = PrometheusRegistry()
        Counter(label: "hb.requests", dimensions: [("status", "200")], factory: registry).increment(by: 2)
        // A library cannot take the place of a verifier's figure.
        Meter(label: "paceline_num_requests_running", factory: registry).set(99)
        let lines = ServerMetrics(modelName: "m", registry: registry).metricsText(accept: nil).text.split(
            separator: "\n"
        )
        #expect(lines.contains("hb_requests_total{status=\"200\"} 2"))
        #expect(lines.filter { $0.hasPrefix("paceline_num_requests_running") } == ["paceline_num_requests_running 0"])
    }

    private static func verifier(_ logger: Logger, pages: KVPageUsage) async throws -> VerifierServer {
        let endpoint = Endpoint(host: "127.0.0.1", port: 0)
        return try await VerifierServer.start(VerifierConfiguration(), listen: endpoint, logger: logger) { _ in
            let description = TargetDescription(
                fingerprint: MockText.fingerprint(of: "mock"),
                contextLength: 4096,
                cacheCapacity: 1 << 16,
                pages: { pages }
            )
            return LoadedTarget(engine: MockTarget(), description: description)
        }
    }
}

/// A log whose writer stands still at a certain line, and with it the event loop that logs it.
private final class StickingLog: LogHandler, Sendable {
    private let word: String
    private let stuck = DispatchSemaphore(value: 0)
    private let released = DispatchSemaphore(value: 0)

    init(word: String) {
        self.word = word
    }

    /// Whether the line has come; true once.
    var isStuck: Bool { stuck.wait(timeout: .now()) == .success }

    func release() {
        released.signal()
    }

    func log(event: LogEvent) {
        guard "\(event.message)".contains(word) else { return }
        stuck.signal()
        released.wait()
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set { _ = newValue }
    }

    var metadata: Logger.Metadata {
        get { [:] }
        set { _ = newValue }
    }

    var logLevel: Logger.Level {
        get { .trace }
        set { _ = newValue }
    }
}

extension ServerMetrics {
    /// What `/metrics` answers.
    ///
    /// - Parameter accept: the request's header `Accept`.
    fileprivate func metricsText(accept: String?) -> (text: String, contentType: String) {
        let format = Exposition.Format(accept: accept)
        return (Exposition.text(of: families, format: format), format.contentType)
    }
}
