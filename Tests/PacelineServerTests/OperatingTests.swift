import Foundation
import PacelineCluster
import Testing

@testable import PacelineServer

@Suite("Operating the server", .timeLimit(.minutes(1)))
struct OperatingTests {
    private static func get(_ path: String, _ headers: String..., at address: Endpoint) async throws -> String {
        try await RawClient(address).exchange(RawClient.get(path, headers: headers + ["connection: close"]))
    }

    @Test("An answer has the request's own id if that is sane, and a new one otherwise")
    func identity() async throws {
        try await ServerHarness.run(.hello) { address in
            for path in ["/v1/models", "/health", "/nowhere"] {
                let answer = try await Self.get(path, "x-request-id: my-id.7", at: address)
                #expect(answer.contains("x-request-id: my-id.7\r\n"), "\(answer)")
            }
            for id in ["", "two words", "ü", String(repeating: "x", count: 129)] {
                let answer = try await Self.get("/v1/models", "x-request-id: \(id)", at: address)
                #expect(answer.contains("x-request-id: req-"), "\(answer)")
            }
        }
    }

    @Test("One line is logged for each request, with its status and tokens, and none for probes")
    func accessLog() async throws {
        let log = ServerLog()
        try await ServerHarness.run(.hello, logger: log.logger) { address in
            for path in ["/health", "/livez", "/ready", "/metrics", "/ping", "/v1/health"] {
                _ = try await Self.get(path, at: address)
            }
            #expect(log.lines.isEmpty)
            _ = try await Self.get("/nowhere?secret", "x-request-id: a", at: address)
            for (id, body) in [("b", #"{"prompt": [1]}"#), ("c", #"{"prompt": [1], "stream": true}"#)] {
                let headers = ["x-request-id: \(id)", "connection: close"]
                _ = try await RawClient(address).exchange(RawClient.post("/v1/completions", body, headers: headers))
            }
        }
        let lines = log.lines.map {
            $0.replacing(/ms=\d+/, with: "ms=N").replacing(/trace_id=[0-9a-f]{32}/, with: "trace_id=T")
        }
        #expect(
            lines == [
                "info request id=a method=GET ms=N path=/nowhere status=404 trace_id=T",
                "info request id=b method=POST ms=N path=/v1/completions status=200 tokens=3 trace_id=T",
                "info request id=c method=POST ms=N path=/v1/completions status=200 tokens=3 trace_id=T",
            ]
        )
    }

    @Test("A request whose client goes away is logged too")
    func accessLogOfTheGone() async throws {
        let log = ServerLog()
        let backend = ScriptedBackend([.event(.tokens(GeneratedTokens([5], text: "first"))), .hold])
        try await ServerHarness.run(backend, logger: log.logger) { address in
            let request = RawClient.post("/v1/completions", #"{"prompt": [1], "stream": true}"#)
            _ = try await RawClient(address).exchange(request, until: "first")
            #expect(await backend.ending() == .cancelled)
        }
        #expect(log.lines.count == 1 && log.lines[0].hasPrefix("info request cut=true id=req-"), "\(log.lines)")
    }

    @Test("Scripts of other origins may use the server only if they are allowed to")
    func crossOrigin() async throws {
        let question = RawClient.get(
            "/v1/completions",
            method: "OPTIONS",
            headers: [
                "origin: https://a.example", "access-control-request-method: POST",
                "access-control-request-headers: authorization,x-stainless-os", "connection: close",
            ]
        )
        var configuration = HTTPServerConfiguration()
        configuration.keys = try APIKeys(["k"], file: nil, logger: ServerLog().logger)
        for origin in [nil, "*", "https://a.example"] {
            configuration.allowedOrigin = origin
            try await ServerHarness.run(.hello, configuration: configuration) { address in
                let preflight = try await RawClient(address).exchange(question)
                let refusal = try await Self.get("/v1/models", "origin: https://a.example", at: address)
                #expect(refusal.hasPrefix("HTTP/1.1 401 "))
                guard let origin else {
                    #expect(
                        preflight.hasPrefix("HTTP/1.1 401 ") && !preflight.contains("Access-Control"),
                        "\(preflight)"
                    )
                    #expect(!refusal.contains("Access-Control"))
                    return
                }
                #expect(preflight.hasPrefix("HTTP/1.1 204 "), "\(preflight)")
                for header in ["Allow-Methods: POST", "Allow-Headers: authorization,x-stainless-os"] {
                    #expect(preflight.contains("Access-Control-\(header)\r\n"), "\(preflight)")
                }
                for answer in [preflight, refusal] {
                    #expect(answer.contains("Access-Control-Allow-Origin: \(origin)\r\n"), "\(answer)")
                }
                #expect(refusal.contains("Vary: Origin") == (origin != "*"), "\(refusal)")
            }
        }
    }
}
