import Foundation
import HTTPTypes
import Logging
import NIOCore
import NIOPosix
import PacelineCluster
import PacelineServer
import Testing

@testable import PacelineChaos

@Suite("Toxiproxy's API", .timeLimit(.minutes(1)))
struct ChaosAPITests {
    /// Calls the API without sockets of its own.
    struct Caller {
        let api: ChaosAPI

        func call(
            _ method: HTTPRequest.Method,
            _ path: String,
            _ body: String = "",
            headers: HTTPFields = [:]
        ) async throws -> (status: Int, body: String) {
            let request = APIRequest(
                id: "test",
                method: method,
                path: path,
                headers: headers,
                body: ByteBuffer(string: body)
            )
            guard case .whole(let bytes, _, let status, _) = await api.respond(to: request) else {
                throw CancellationError()
            }
            return (status.code, String(decoding: bytes, as: UTF8.self))
        }
    }

    private func withAPI(_ body: (Caller) async throws -> Void) async throws {
        try await ProxyBench.run { try await body(Caller(api: ChaosAPI($0.registry, version: "test"))) }
    }

    private static let redis = #"{"name": "redis", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:9"}"#

    @Test("creates, shows, lists, changes and deletes proxies with Toxiproxy's fields and statuses")
    func proxies() async throws {
        try await withAPI { api in
            let created = try await api.call(.post, "/proxies", Self.redis)
            #expect(created.status == 201)
            let port = try #require(
                created.body.split(separator: "\"").compactMap { $0.split(separator: ":").last }
                    .compactMap { Int($0) }.first { $0 > 9 }
            )
            let expected =
                #"{"name":"redis","listen":"127.0.0.1:\#(port)","upstream":"127.0.0.1:9","enabled":true,"toxics":[]}"#
            #expect(created.body == expected)
            #expect(try await api.call(.get, "/proxies/redis") == (200, expected))
            #expect(try await api.call(.get, "/proxies") == (200, "{\"redis\":\(expected)}"))
            for method in [HTTPRequest.Method.post, .patch] {
                let disabled = try await api.call(method, "/proxies/redis", #"{"enabled": false}"#)
                #expect(disabled == (200, expected.replacing("true", with: "false")))
                #expect(try await api.call(method, "/proxies/redis", #"{"enabled": true}"#) == (200, expected))
            }
            #expect(try await api.call(.delete, "/proxies/redis") == (204, ""))
            #expect(try await api.call(.get, "/proxies") == (200, "{}"))
        }
    }

    @Test("leaves a proxy as it is when a change is refused")
    func refusedChange() async throws {
        try await withAPI { api in
            let before = try await api.call(.post, "/proxies", Self.redis).body
            #expect(try await api.call(.patch, "/proxies/redis", #"{"listen": "0.0.0.0:0"}"#).status == 403)
            #expect(try await api.call(.patch, "/proxies/redis", #"{"upstream": "nowhere"}"#).status == 400)
            #expect(try await api.call(.get, "/proxies/redis") == (200, before))
        }
    }

    @Test("picks a free port for a proxy without one", arguments: [#""listen": "", "#, ""])
    func freePort(field: String) async throws {
        try await withAPI { api in
            let created = try await api.call(.post, "/proxies", #"{\#(field)"name": "a", "upstream": "127.0.0.1:9"}"#)
            #expect(created.status == 201 && created.body.contains(#""listen":"127.0.0.1:"#))
            #expect(!created.body.contains(#"127.0.0.1:0""#))
        }
    }

    @Test("refuses to change what a toxic keeps", arguments: ["after_bytes", "duration", "after_frames", "match"])
    func keptFields(field: String) async throws {
        try await withAPI { api in
            _ = try await api.call(.post, "/proxies", Self.redis)
            _ = try await api.call(.post, "/proxies/redis/toxics", #"{"type": "latency"}"#)
            let answer = try await api.call(.patch, "/proxies/redis/toxics/latency_downstream", #"{"\#(field)": 1}"#)
            #expect(answer.status == 400 && answer.body.contains("\(field) cannot be changed"))
        }
    }

    @Test("adds, shows, changes and removes toxics, with Toxiproxy's defaults")
    func toxics() async throws {
        try await withAPI { api in
            _ = try await api.call(.post, "/proxies", Self.redis)
            let path = "/proxies/redis/toxics"
            let added = try await api.call(.post, path, #"{"type": "latency", "attributes": {"latency": 1000.0}}"#)
            let expected =
                #"{"attributes":{"latency":1000,"jitter":0},"name":"latency_downstream","type":"latency","#
                + #""stream":"downstream","toxicity":1}"#
            #expect(added == (200, expected))
            #expect(try await api.call(.get, path) == (200, "[\(expected)]"))
            #expect(try await api.call(.get, path + "/latency_downstream") == (200, expected))
            let changed = try await api.call(
                .patch,
                path + "/latency_downstream",
                #"{"toxicity": 0.5, "attributes": {"jitter": 20}}"#
            )
            #expect(
                changed.body
                    == expected.replacing("jitter\":0", with: "jitter\":20").replacing("y\":1}", with: "y\":0.5}")
            )
            let upstream = try await api.call(
                .post,
                path,
                #"{"name": "cut", "type": "limit_data", "stream": "upstream", "attributes": null, "after_bytes": 9}"#
            )
            #expect(upstream.body.hasSuffix(#""stream":"upstream","toxicity":1,"after_bytes":9}"#))
            // Those of the upstream direction come first.
            let all = try await api.call(.get, path).body
            #expect(all.hasPrefix(#"[{"attributes":{"bytes":0},"name":"cut""#))
            #expect(try await api.call(.delete, path + "/cut") == (204, ""))
            #expect(try await api.call(.post, "/reset") == (204, ""))
            #expect(try await api.call(.get, path) == (200, "[]"))
        }
    }

    @Test("populates: creates, keeps what is the same, replaces what differs")
    func populate() async throws {
        try await withAPI { api in
            let file = #"""
                [{"name": "a", "upstream": "127.0.0.1:9",
                  "toxics": [{"type": "latency", "attributes": {"latency": 5}}]},
                 {"name": "b", "upstream": "127.0.0.1:9", "enabled": false, "listen": "127.0.0.1:4242"}]
                """#
            let (status, body) = try await api.call(.post, "/populate", file)
            #expect(status == 201)
            #expect(body.hasPrefix(#"{"proxies":[{"name":"a""#))
            #expect(body.contains(#""latency_downstream""#))
            let kept = try await api.call(.get, "/proxies/b")
            let again = #"[{"name": "b", "upstream": "127.0.0.1:9", "enabled": true, "listen": "127.0.0.1:4242"}]"#
            #expect(try await api.call(.post, "/populate", again) == (201, "{\"proxies\":[\(kept.body)]}"))
            let moved = #"[{"name": "b", "upstream": "127.0.0.1:10", "enabled": false, "listen": "127.0.0.1:4242"}]"#
            #expect(try await api.call(.post, "/populate", moved).body.contains("127.0.0.1:10"))
        }
    }

    @Test(
        "refuses bad requests with Toxiproxy's status and one sentence",
        arguments: [
            (400, "bad request body: the body is empty", "/proxies", ""),
            (400, "',' or '}' was expected at line 2, column 1", "/proxies", "{\"name\": \"x\"\n\"listen\": 1}"),
            (
                400, "missing required field: name must be a string that is not empty, at line 1, column 1", "/proxies",
                #"{"upstream": "127.0.0.1:9"}"#
            ),
            (400, "missing required field: upstream", "/proxies", #"{"name": "x"}"#),
            (400, "name must be a string, not 5, at line 1, column 10", "/proxies", #"{"name": 5}"#),
            (400, "upstream must be HOST:PORT", "/proxies", #"{"name": "x", "upstream": "nowhere"}"#),
            (400, "listen must be HOST:PORT", "/proxies", #"{"name": "x", "listen": "?", "upstream": "a:1"}"#),
            (403, "--allow-remote", "/proxies", #"{"name": "x", "listen": "0.0.0.0:0", "upstream": "a:1"}"#),
            (409, "proxy already exists", "/proxies", redis),
            (500, "is in use by another process", "/proxies/redis", #"{"listen": "127.0.0.1:BUSY"}"#),
            (404, "proxy not found: \"nobody\"; there are redis", "/proxies/nobody", "{}"),
            (400, "enabled must be true or false, not \"no\"", "/proxies/redis", #"{"enabled": "no"}"#),
            (400, "invalid toxic type: \"late\" is none of latency,", "/proxies/redis/toxics", #"{"type": "late"}"#),
            (400, "stream was invalid, can be", "/proxies/redis/toxics", #"{"type": "timeout", "stream": "side"}"#),
            (409, "toxic already exists", "/proxies/redis/toxics", #"{"type": "timeout"}"#),
            (404, "toxic not found: \"x\"; redis has timeout_downstream", "/proxies/redis/toxics/x", "{}"),
            (
                400, "toxicity must be a number from 0.0 to 1.0, not 2", "/proxies/redis/toxics",
                #"{"type": "latency", "toxicity": 2}"#
            ),
            (
                400, "attributes.latency must be a whole number from 0 to 86400000 (ms), not -5, at line 2, column 28",
                "/proxies/redis/toxics",
                "{\"type\": \"latency\",\n \"attributes\": {\"latency\": -5}}"
            ),
            (
                400, "attributes.timeout must be a whole number", "/proxies/redis/toxics/timeout_downstream",
                #"{"attributes": {"timeout": 1.5}}"#
            ),
            (
                400, "attributes.delay is no setting of the toxic, at line 1, column 45; there are latency, jitter",
                "/proxies/redis/toxics",
                #"{"type": "latency", "attributes": {"delay": 5}}"#
            ),
            (
                400, "size_variation must be smaller", "/proxies/redis/toxics",
                #"{"type": "slicer", "attributes": {"average_size": 5, "size_variation": 5}}"#
            ),
            (400, "a JSON array of proxies was expected", "/populate", "{}"),
            (
                400, "[1] must be an object, not 7, at line 1, column 36", "/populate",
                #"[{"name": "y", "upstream": "a:1"}, 7]"#
            ),
            (
                400, "[1].toxics[0].toxicity must be a number from 0.0 to 1.0, not 3, at line 3, column 35",
                "/populate",
                "[{\"name\": \"y\", \"upstream\": \"a:1\"},\n {\"name\": \"z\", \"upstream\": \"a:1\", \"toxics\": [\n"
                    + "  {\"type\": \"latency\", \"toxicity\": 3}]}]"
            ),
            (405, "/version takes GET, not POST", "/version", "{}"),
            (404, "there is nothing at /nonsense", "/nonsense", ""),
        ] as [(Int, String, String, String)]
    )
    func refusals(status: Int, words: String, path: String, body: String) async throws {
        let upstream = try RawListener()
        try await withAPI { api in
            _ = try await api.call(.post, "/proxies", Self.redis)
            _ = try await api.call(.post, "/proxies/redis/toxics", #"{"type": "timeout"}"#)
            let body = body.replacing("BUSY", with: "\(upstream.endpoint.port)")
            let answer = try await api.call(.post, path, body)
            #expect(answer.status == status)
            let error = try JSONDecoder().decode(ChaosErrorBody.self, from: Data(answer.body.utf8))
            #expect(error.status == status)
            #expect(error.error.contains(words), "\(error.error)")
        }
    }

    @Test("CVE-2025-62593: a web page cannot have a browser change proxies")
    func webPages() async throws {
        try await withAPI { api in
            for (method, path, body) in [
                (HTTPRequest.Method.post, "/proxies", Self.redis), (.post, "/reset", ""), (.post, "/populate", "[]"),
                (.delete, "/proxies/redis", ""), (.get, "/proxies", ""), (.get, "/metrics", ""),
            ] {
                let answer = try await api.call(method, path, body, headers: [.userAgent: "Mozilla/5.0 (X11)"])
                #expect(answer.status == 403, "\(method) \(path)")
            }
            #expect(try await api.call(.get, "/proxies").body == "{}")
        }
    }

    @Test("refuses browsers, and tells its version and figures")
    func others() async throws {
        try await withAPI { api in
            let browser = try await api.call(.get, "/proxies", headers: [.userAgent: "Mozilla/5.0 (X11)"])
            #expect(browser.status == 403)
            let version = try await api.call(.get, "/version")
            #expect(version == (200, #"{"version":"2.12.0+paceline.test"}"#))
            _ = try await api.call(.post, "/proxies", Self.redis)
            let figures = try await api.call(.get, "/metrics").body
            let direction = #"toxiproxy_proxy_received_bytes_total{direction="upstream","#
            #expect(figures.contains(direction))
            #expect(figures.contains(#"paceline_chaos_connections_total{proxy="redis"} 0"#))
        }
    }

    @Test("answers over HTTP")
    func overHTTP() async throws {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        try await ProxyBench.run { bench in
            let api = ChaosAPI(bench.registry, version: "test")
            let server = HTTPServer(api.routes, logger: logger)
            let loopback = Endpoint(host: "127.0.0.1", port: 0)
            try await server.serve(on: loopback, group: MultiThreadedEventLoopGroup.singleton) { address in
                for (line, body, status) in [
                    ("POST /proxies", Self.redis, "201 Created"), ("GET /proxies/redis", "", "200 OK"),
                    ("PATCH /proxies/redis", #"{"enabled": false}"#, "200 OK"),
                    ("DELETE /proxies/redis", "", "204 No Content"), ("GET /proxies/redis", "", "404 Not Found"),
                    ("GET /", "", "404 Not Found"), ("PUT /proxies", "", "405 Method Not Allowed"),
                ] {
                    let request =
                        "\(line) HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
                        + "content-length: \(body.utf8.count)\r\n\r\n\(body)"
                    let answer = try await Upstream.ask(address, Array(request.utf8))
                    #expect(String(decoding: answer, as: UTF8.self).hasPrefix("HTTP/1.1 \(status)\r\n"))
                }
            }
        }
    }
}
