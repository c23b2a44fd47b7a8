import PacelineCluster
import Testing

@testable import PacelineServer

@Suite("Probes", .timeLimit(.minutes(1)))
struct ProbeTests {
    private static let health = ["/health", "/v1/health", "/ping", "/ready"]
    private static let prompt = #"{"prompt": [1, 2], "max_tokens": 3}"#

    private static func get(_ path: String, _ address: Endpoint, headers: [String] = []) async throws -> String {
        try await RawClient(address).exchange(RawClient.get(path, headers: headers + ["connection: close"]))
    }

    @Test(
        "While the model is loaded, the process is alive, has metrics, and everything else is 503 with a time to wait"
    )
    func loading() async throws {
        try await ServerHarness.run(.hello, isLoaded: false) { address in
            for path in Self.health + ["/v1/models", "/v1/workers"] {
                let answer = try await Self.get(path, address)
                #expect(answer.hasPrefix("HTTP/1.1 503 ") && answer.contains("Retry-After: 1\r\n"), "\(answer)")
                let body = #"{"error":{"code":"loading","message":"Loading model; try again in a moment","#
                #expect(answer.contains(body + #""param":null,"type":"unavailable_error"}}"#), "\(answer)")
            }
            let asked = try await RawClient(address).exchange(RawClient.post("/v1/completions", Self.prompt))
            #expect(asked.hasPrefix("HTTP/1.1 503 "), "\(asked)")
            for path in ["/livez", "/metrics"] {
                let answer = try await Self.get(path, address)
                #expect(answer.hasPrefix("HTTP/1.1 200 "), "\(answer)")
            }
        }
    }

    @Test("Once it is loaded, the process is healthy, and its metrics are in Prometheus' format")
    func serving() async throws {
        try await ServerHarness.run(.hello) { address in
            for path in Self.health.dropLast() {
                let answer = try await Self.get(path, address)
                #expect(answer.hasPrefix("HTTP/1.1 200 ") && answer.hasSuffix(#"{"status":"ok"}"#), "\(answer)")
            }
            #expect(try await Self.get("/ready", address).hasPrefix("HTTP/1.1 200 "))
            let metrics = try await Self.get("/metrics", address)
            #expect(metrics.contains("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"), "\(metrics)")
            #expect(metrics.contains("\npaceline_num_requests_running 0\n"))
        }
    }

    @Test("Before the end it is not ready but serves; then it refuses; each answer ends its connection")
    func ending() async throws {
        let lifecycle = ServerLifecycle(metrics: ServerMetrics(modelName: "tiny"))
        try await ServerHarness.run(.hello, lifecycle: lifecycle) { address in
            let completion = RawClient.post("/v1/completions", Self.prompt, headers: [])
            lifecycle.beginLeaving()
            for path in Self.health {
                #expect(try await Self.get(path, address).hasPrefix("HTTP/1.1 503 "))
            }
            let served = try await RawClient(address).exchange(completion)
            #expect(served.hasPrefix("HTTP/1.1 200 ") && served.contains("connection: close\r\n"), "\(served)")
            lifecycle.drain()
            let refused = try await RawClient(address).exchange(completion)
            #expect(refused.hasPrefix("HTTP/1.1 503 ") && refused.contains(#""code":"draining""#), "\(refused)")
            #expect(refused.contains("connection: close\r\n") && refused.contains("Retry-After: 2\r\n"), "\(refused)")
            #expect(try await Self.get("/livez", address).hasPrefix("HTTP/1.1 200 "))
            #expect(try await Self.get("/metrics", address).hasPrefix("HTTP/1.1 200 "))
        }
    }

    @Test("A process whose model is stuck in a pass is not alive")
    func stuck() async throws {
        let backend = ScriptedBackend.hello
        try await ServerHarness.run(backend) { address in
            let alive = try await Self.get("/livez", address)
            #expect(alive.hasPrefix("HTTP/1.1 200 "))
            backend.getStuck()
            let stuck = try await Self.get("/livez", address)
            #expect(stuck.hasPrefix("HTTP/1.1 503 "))
        }
    }
}
