import AsyncHTTPClient
import Foundation
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import PacelineChaos
import PacelineCluster
import PacelineMetrics
import PacelineSpeculation
import Testing

@testable import PacelineGateway
@testable import PacelineServer

/// A gateway on a loopback port before real HTTP servers, which are ended in the middle of their answers.
@Suite(.timeLimit(.minutes(10))) struct ServingTests {
    private static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Where many tests share few processors, a verifier that is well may be silent for longer than in production.
    private static let patient = {
        var configuration = GatewayConfiguration()
        configuration.stallLimit = .seconds(60)
        configuration.healthLimit = .seconds(60)
        configuration.freshness = .seconds(60)
        return configuration
    }()

    /// Runs `body` with a gateway and its address.
    private func run(
        _ configuration: GatewayConfiguration = Self.patient,
        http: HTTPServerConfiguration = HTTPServerConfiguration(),
        _ body: @escaping @Sendable (Gateway, Endpoint) async throws -> Void
    ) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let gateway = try await Gateway.start(configuration, on: group.next(), logger: Self.quiet)
        let routes = gateway.routes(registry: PrometheusRegistry(), build: "paceline", requiresKey: false)
        let server = HTTPServer(
            routes,
            isEnding: { gateway.isEnding },
            configuration: http,
            logger: Self.quiet
        )
        try await server.serve(
            on: Endpoint(host: "127.0.0.1", port: 0),
            group: group
        ) { address in
            try await body(gateway, address)
            try await gateway.shutdown()
        }
        try await group.shutdownGracefully()
    }

    private func use(_ verifiers: TestVerifier..., by gateway: Gateway) async throws {
        gateway.use(verifiers.map { ReplicaAddress($0.address) }, from: "test")
        while try await gateway.snapshot().replicas.count(where: { $0.state == "ready" }) < verifiers.count {
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    private func send(
        _ path: String,
        _ body: String? = nil,
        headers: HTTPHeaders = [:],
        to address: Endpoint
    ) async throws -> HTTPClientResponse {
        var request = HTTPClientRequest(url: "http://\(address)\(path)")
        request.headers = headers
        if let body {
            request.method = .POST
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(string: body))
        }
        return try await HTTPClient.shared.execute(request, timeout: .seconds(60))
    }

    private func text(_ response: HTTPClientResponse) async throws -> String {
        String(buffer: try await response.body.collect(upTo: 1 << 24))
    }

    private static let bodies: [(path: String, body: String)] = [
        ("/v1/completions", #"{"prompt": "ab", "seed": 3, "max_tokens": 60, "stream": true}"#),
        (
            "/v1/completions",
            #"{"prompt": ["a", "b"], "n": 2, "seed": 4, "max_tokens": 60, "stream": true, "logprobs": 1, "echo": true}"#
        ),
        (
            "/v1/chat/completions",
            #"""
            {"messages": [{"role": "user", "content": "a"}], "seed": 5, "stream": true, "return_token_ids": true,
             "stream_options": {"include_usage": true}}
            """#
        ),
    ]

    @Test(arguments: 0..<3, [2, 3, 5]) func aStreamOutlivesItsVerifier(number: Int, hold: Int) async throws {
        let reference = try ReferenceVerifier()
        let (path, body) = Self.bodies[number]
        let (held, other) = (try await TestVerifier(reference, hold: hold), try await TestVerifier(reference))
        let direct = try StreamText(await text(send(path, body, to: other.address)))
        try await run { gateway, address in
            try await use(held, by: gateway)
            let response = try await send(path, body, to: address)
            #expect(response.status == .ok && response.headers.first(name: "content-type") == "text/event-stream")
            try await use(held, other, by: gateway)
            var parts = response.body.makeAsyncIterator()
            var received = String(buffer: try await parts.next() ?? ByteBuffer())
            #expect(!received.isEmpty)
            // It sends no more than it was told, so that it is lost in the middle.
            try await held.kill()
            while let part = try await parts.next() { received += String(buffer: part) }
            let stream = try StreamText(received)
            #expect(stream.withoutIdentity == direct.withoutIdentity)
            #expect(stream.identities.count == 1 && stream.isEnded && stream.ends == 1)
            #expect(try await gateway.snapshot().statistics.failovers.values.reduce(0, +) == 1)
            #expect(try await gateway.snapshot().requests == 0)
        }
        try await other.kill()
    }

    @Test(arguments: [false, true], ["/v1/completions", "/v1/chat/completions"])
    func aBrokenStreamGoesOnWithTheSeedOfItsHead(throughGateway: Bool, path: String) async throws {
        let reference = try ReferenceVerifier()
        let verifier = try await TestVerifier(reference)
        let input =
            path.contains("chat") ? #""messages": [{"role": "user", "content": "a"}]"# : #""prompt": ["a", "b"]"#
        let fields =
            #"{\#(input), "n": 2, "temperature": 1, "max_tokens": 40, "stream": true, "return_token_ids": true"#
        try await run { gateway, address in
            try await use(verifier, by: gateway)
            let server = throughGateway ? address : verifier.address
            let response = try await send(path, fields + "}", to: server)
            // Known before anything of the answer is there.
            let seed = try #require(response.headers.first(name: "paceline-seed"))
            let events = try await text(response).components(separatedBy: "\n\n").dropLast().map { $0 + "\n\n" }
            let whole = try StreamText(events.joined())
            let expected = try StreamText(await text(send(path, fields + ", \"seed\": \(seed)}", to: server)))
            #expect(whole.withoutIdentity == expected.withoutIdentity)
            // Where the text that has come is that of the tokens that have come.
            let cuts = (1..<events.count - 1).filter { events[$0 - 1].contains("\"token_ids\":[") }
            // Every cut is tried elsewhere; each takes two generations.
            for cut in cuts where cut % 5 == 1 {
                // A client that has the end of a choice need not ask for it again.
                let came = try StreamText(events[..<cut].joined())
                guard came.choices.values.allSatisfy(\.reasons.isEmpty) else { break }
                let tokens = expected.choices.keys.sorted().map { came.choices[$0].map { "\($0.tokens)" } ?? "null" }
                let resume = "\"resume\": {\"tokens\": [\(tokens.joined(separator: ", "))]}"
                let rest = try await text(send(path, fields + ", \"seed\": \(seed), \(resume)}", to: server))
                let joined = try StreamText(events[..<cut].joined() + rest)
                #expect(joined.withoutIdentity == expected.withoutIdentity, "cut at \(cut)")
            }
        }
        try await verifier.kill()
    }

    @Test func aWholeAnswerIsAskedForAgainWithTheSameSeed() async throws {
        let reference = try ReferenceVerifier()
        let (held, other) = (try await TestVerifier(reference, hold: 2), try await TestVerifier(reference))
        try await run { gateway, address in
            try await use(held, by: gateway)
            async let answer = text(send("/v1/completions", #"{"prompt": "a", "temperature": 1}"#, to: address))
            while held.backend.requests.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
            try await use(held, other, by: gateway)
            try await held.kill()
            #expect(try await answer.contains("\"finish_reason\""))
            #expect(held.backend.requests[0].sampling.seed == other.backend.requests[0].sampling.seed)
        }
        try await other.kill()
    }

    @Test func aVerifierWithTwoAddressesIsOneAndIsReachedByTheOther() async throws {
        let reference = try ReferenceVerifier()
        let verifier = try await TestVerifier(reference)
        let ways = (try await verifier.anotherWay(), try await verifier.anotherWay())
        let (path, body) = Self.bodies[0]
        let direct = try StreamText(await text(send(path, body, to: verifier.address)))
        try await run { gateway, address in
            let all = [ways.0, ways.1]
            gateway.use(all.map { ReplicaAddress($0.endpoint) }, from: "test")
            func states() async throws -> [String] { try await gateway.snapshot().replicas.map(\.state) }
            while try await states().sorted() != ["ready", "spare"] { try await Task.sleep(for: .milliseconds(5)) }
            #expect(try await text(send("/metrics", to: address)).contains("\npaceline_gateway_active_replicas 1\n"))
            let used = try #require(try await gateway.snapshot().replicas.first(where: \.isActive)).address
            for way in all where ReplicaAddress(way.endpoint) == used { _ = try await way.shutdown() }
            let stream = try StreamText(await text(send(path, body, to: address)))
            #expect(stream.withoutIdentity == direct.withoutIdentity)
            #expect(try await gateway.snapshot().replicas.first { $0.address == used }?.isActive == false)
            for way in all where ReplicaAddress(way.endpoint) != used { _ = try await way.shutdown() }
        }
        try await verifier.kill()
    }

    @Test func whatAVerifierAnswersIsPassedOnAsItIs() async throws {
        let reference = try ReferenceVerifier()
        var configuration = HTTPServerConfiguration()
        configuration.keys = try APIKeys(["secret"], file: nil, logger: Self.quiet)
        let verifier = try await TestVerifier(reference, configuration: configuration)
        try await run { gateway, address in
            try await use(verifier, by: gateway)
            for headers in [[:], ["authorization": "Bearer secret", "x-request-id": "my-id"]] as [HTTPHeaders] {
                for (path, body) in [
                    ("/v1/models", nil), ("/v1/models/tiny", nil), ("/v1/models/other", nil), ("/props", nil),
                    ("/slots?fail_on_no_slot=1", nil), ("/v1/workers", nil), ("/tokenize", #"{"content": "a"}"#),
                    ("/detokenize", #"{"tokens": [5]}"#), ("/apply-template", #"{"messages": 1}"#),
                    ("/v1/completions", #"{"prompt": "a", "temperature": -1}"#), ("/v1/completions", "no JSON"),
                    ("/v1/chat/completions", #"{"messages": [], "stream": true}"#),
                ] as [(String, String?)] {
                    let (through, direct) = (
                        try await send(path, body, headers: headers, to: address),
                        try await send(path, body, headers: headers, to: verifier.address)
                    )
                    #expect(through.status == direct.status, "\(path)")
                    for name in ["content-type", "www-authenticate"] {
                        #expect(through.headers[name] == direct.headers[name], "\(path)")
                    }
                    if !headers.isEmpty { #expect(through.headers["x-request-id"] == ["my-id"]) }
                    #expect(try await text(through) == text(direct), "\(path)")
                }
            }
        }
        try await verifier.kill()
    }

    @Test func aRequestStaysInItsTraceAndKeepsItsName() async throws {
        let reference = try ReferenceVerifier()
        let verifier = try await TestVerifier(reference)
        let trace = "0af7651916cd43dd8448eb211c80319c"
        try await run { gateway, address in
            try await use(verifier, by: gateway)
            let headers: HTTPHeaders = ["traceparent": "00-\(trace)-b7ad6b7169203331-01", "x-request-id": "mine"]
            _ = try await text(send("/v1/completions", #"{"prompt": "a"}"#, headers: headers, to: address))
            let name = try #require(verifier.backend.requests.first?.name)
            #expect(name.id == "mine" && "\(name.trace.traceID)" == trace)
            #expect(name.trace.isSampled && name.trace.parentID != 0xb7ad_6b71_6920_3331)
        }
        try await verifier.kill()
    }

    @Test func aClientThatLeavesFreesItsVerifier() async throws {
        let reference = try ReferenceVerifier()
        let verifier = try await TestVerifier(reference, hold: 1)
        try await run { gateway, address in
            try await use(verifier, by: gateway)
            for isStreamed in [true, false] {
                let task = Task {
                    try await text(send("/v1/completions", #"{"prompt": "a", "stream": \#(isStreamed)}"#, to: address))
                }
                while verifier.backend.running == 0 { try await Task.sleep(for: .milliseconds(5)) }
                task.cancel()
                _ = await task.result
                while verifier.backend.running > 0 { try await Task.sleep(for: .milliseconds(5)) }
                #expect(try await gateway.snapshot().replicas.allSatisfy { $0.outstandingTokens == 0 })
            }
        }
        try await verifier.kill()
    }

    @Test func itsHealthAndItsFiguresAreItsOwn() async throws {
        let reference = try ReferenceVerifier()
        let (verifier, loading) = (
            try await TestVerifier(reference), try await TestVerifier(reference, isLoaded: false)
        )
        try await run { gateway, address in
            for path in ["/health", "/ready", "/ping"] {
                #expect(try await send(path, to: address).status == .serviceUnavailable)
            }
            #expect(try await send("/livez", to: address).status == .ok)
            gateway.use([ReplicaAddress(loading.address)], from: "name")
            try await use(verifier, by: gateway)
            for path in ["/health", "/ready", "/ping"] { #expect(try await send(path, to: address).status == .ok) }
            _ = try await text(send("/v1/completions", #"{"prompt": "a", "stream": true}"#, to: address))
            let figures = try await text(send("/metrics", to: address))
            for line in [
                #"paceline_gateway_replicas{state="ready"} 1"#, #"paceline_gateway_replicas{state="refusing"} 1"#,
                "paceline_gateway_active_replicas 1", #"paceline_gateway_requests_total{outcome="answered"} 1"#,
                "paceline_gateway_time_to_first_token_seconds_count 1",
                #"paceline_gateway_replica_requests{replica="\#(verifier.address)"} 0"#,
            ] { #expect(figures.contains(line + "\n"), "\(line)") }
            gateway.beginLeaving()
            #expect(try await send("/health", to: address).status == .serviceUnavailable)
            #expect(try await send("/v1/models", to: address).status == .ok)
            gateway.drain()
            #expect(try await send("/v1/models", to: address).status == .serviceUnavailable)
        }
        try await verifier.kill()
        try await loading.kill()
    }

    @Test func aClientThatDoesNotReadHoldsItsVerifierBackAndNobodyElse() async throws {
        let reference = try ReferenceVerifier()
        var patience = HTTPServerConfiguration()
        patience.writeTimeout = .minutes(9)
        let verifier = try await TestVerifier(reference, flood: Self.flood, configuration: patience)
        let other = try await TestVerifier(reference)
        try await run(http: patience) { gateway, address in
            try await use(verifier, by: gateway)
            let idle = try await Self.connect(to: address)
            try await idle.writeAndFlush(
                ByteBuffer(string: Self.request(#"{"prompt": "a", "stream": true, "ignore_eos": true}"#))
            )
            // Some fill the buffers on the way; then no more leave, however often one looks.
            var (sent, looks) = (0, 0)
            while looks < 200 {
                try await Task.sleep(for: .milliseconds(5))
                looks = verifier.backend.sent > 0 && verifier.backend.sent == sent ? looks + 1 : 0
                sent = verifier.backend.sent
            }
            #expect(sent < Self.flood.events, "everything left although nobody read it")
            try await use(verifier, other, by: gateway)
            let (path, body) = Self.bodies[0]
            #expect(try StreamText(await text(send(path, body, to: address))).isEnded)
            // Who reads again gets the rest.
            try await idle.setOption(.autoRead, value: true).get()
            while verifier.backend.sent == sent { try await Task.sleep(for: .milliseconds(5)) }
            try await idle.close()
        }
        try await verifier.kill()
        try await other.kill()
    }

    /// Far more than sockets hold.
    private static let flood = (events: 4000, bytes: 1 << 15)

    /// A connection that reads nothing.
    private static func connect(to address: Endpoint) async throws -> any Channel {
        try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.autoRead, value: false)
            .channelOption(.socketOption(.so_rcvbuf), value: 4096)
            .connect(host: address.host, port: address.port).get()
    }

    private static func request(_ body: String) -> String {
        "POST /v1/completions HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
            + "content-length: \(body.utf8.count)\r\n\r\n\(body)"
    }
}
