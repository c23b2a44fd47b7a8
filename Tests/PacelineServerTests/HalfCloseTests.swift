import Foundation
import Logging
import NIOCore
import PacelineCluster
import PacelineSpeculation
import Testing

@testable import PacelineServer

/// Clients that close their direction of the connection after their request, as nc and some proxies do, and clients
/// that only look like them because they have gone away.
@Suite("Half-closed clients over real sockets", .timeLimit(.minutes(1)))
struct HalfCloseTests {
    private static let whole = #"{"prompt": [1, 2], "max_tokens": 3, "seed": 4}"#
    private static let streamed = #"{"prompt": [1, 2], "seed": 4, "stream": true}"#

    private static func completion(_ body: String) -> String { RawClient.post("/v1/completions", body, headers: []) }

    /// The answers that a client received: status and body, without connection headers.
    private static func answers(_ received: String) -> [String] {
        received.split(separator: "HTTP/1.1 ").map { answer in
            let parts = answer.components(separatedBy: "\r\n\r\n")
            return answer.prefix(3) + " " + parts.dropFirst().joined(separator: "\r\n\r\n")
        }
    }

    @Test(
        "get the same answer as others, on every path",
        arguments: ["/health", "/ready", "/v1/models", "/v1/workers", "/metrics", "/nowhere", "/v1/completions"].map {
            RawClient.get($0, headers: [])
        } + [
            RawClient.get("/health", method: "HEAD", headers: []), completion("{"), completion(#"{"prompt": 1}"#),
            completion(#"{"prompt": "x", "model": "other"}"#),
        ]
    )
    func paths(request: String) async throws {
        try await ServerHarness.run(.hello) { address in
            let other = try await RawClient(address).exchange(
                request.replacingOccurrences(of: "host: test", with: "host: test\r\nconnection: close")
            )
            let answer = try await RawClient(address).exchangeHalfClosed(request)
            #expect(Self.answers(answer).count == 1)
            #expect(Self.answers(answer) == Self.answers(other))
        }
    }

    @Test("get their completion, whole or streamed, immediately or later", arguments: [0, 1600])
    func completions(pause: Int) async throws {
        let pause = ScriptedBackend.Step.pause(.milliseconds(pause))
        let backend = ScriptedBackend([
            pause, .event(.tokens(GeneratedTokens([5, 6], text: "hel"))), pause,
            .event(.tokens(GeneratedTokens([7], text: "lo"))), pause,
            .event(.finished(ScriptedBackend.summary)),
        ])
        try await ServerHarness.run(backend) { address in
            async let whole = RawClient(address).exchangeHalfClosed(Self.completion(Self.whole))
            async let streamed = RawClient(address).exchangeHalfClosed(Self.completion(Self.streamed))
            let answer = try await whole
            #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n") && answer.contains(#""text":"hello""#), "\(answer)")
            let events = try await streamed
            #expect(events.hasPrefix("HTTP/1.1 200 OK\r\n") && events.contains(#""text":"hel""#), "\(events)")
            // A comment may follow what a reader takes for the end.
            #expect(events.contains(#""text":"lo""#) && events.contains("data: [DONE]\n\n"), "\(events)")
            #expect(events.hasSuffix("\r\n0\r\n\r\n"), "\(events)")
            #expect(await [backend.ending(), backend.ending()] == [.complete, .complete])
        }
    }

    @Test("get refusals with their status, also later", arguments: [whole, streamed])
    func refusals(body: String) async throws {
        let fault = RequestFault.overloaded(running: 4, waiting: 64)
        let backend = ScriptedBackend([.pause(.milliseconds(400)), .event(.failed(fault))])
        try await ServerHarness.run(backend) { address in
            let answer = try await RawClient(address).exchangeHalfClosed(Self.completion(body))
            #expect(answer.hasPrefix("HTTP/1.1 429 Too Many Requests\r\n") && answer.hasSuffix("}}"), "\(answer)")
        }
    }

    @Test("get the answers to pipelined requests in order, and an error for an incomplete last one")
    func pipelined() async throws {
        let backend = ScriptedBackend([
            .pause(.milliseconds(400)), .event(.tokens(GeneratedTokens([5], text: "a"))),
            .event(.finished(ScriptedBackend.summary)),
        ])
        let partial = RawClient.get("/v1/completions", method: "POST", headers: ["content-length: 10"]) + "{"
        try await ServerHarness.run(backend) { address in
            let answer = try await RawClient(address).exchangeHalfClosed(
                Self.completion(Self.whole) + Self.completion(Self.streamed) + RawClient.get("/health", headers: [])
                    + partial
            )
            #expect(Self.answers(answer).map { $0.prefix(3) } == ["200", "200", "200", "400"], "\(answer)")
            #expect(answer.contains(#""text":"a""#) && answer.contains("data: [DONE]"))
            #expect(await [backend.ending(), backend.ending()] == [.complete, .complete])
        }
    }

    @Test("A request that is not HTTP waits for its turn behind a valid one")
    func garbageBehind() async throws {
        let backend = ScriptedBackend([.pause(.milliseconds(200)), .event(.finished(ScriptedBackend.summary))])
        try await ServerHarness.run(backend) { address in
            let requests = Self.completion(Self.whole) + "PLAC\u{1}garbage\r\n\r\n"
            for answer in [
                try await RawClient(address).exchange(requests),
                try await RawClient(address).exchangeHalfClosed(requests),
            ] {
                #expect(Self.answers(answer).map { $0.prefix(3) } == ["200", "400"], "\(answer)")
            }
        }
    }

    @Test(
        "that have not sent a whole request get an error, and are disconnected at once",
        arguments: [
            RawClient.get("/v1/completions", method: "POST", headers: ["content-length: 10"]) + "{",
            RawClient.get("/v1/completions", method: "POST", headers: ["transfer-encoding: chunked"]) + "5\r\n{",
            "GET /hea", "",
        ]
    )
    func incomplete(request: String) async throws {
        try await ServerHarness.run(.hello) { address in
            let answer = try await RawClient(address).exchangeHalfClosed(request)
            #expect(request.isEmpty ? answer.isEmpty : answer.hasPrefix("HTTP/1.1 400 "), "\(answer)")
        }
    }

    @Test(
        "The request of a client that has gone away is cancelled, before the first token and during a stream",
        arguments: [whole, streamed],
        RawClient.Leaving.allCases
    )
    func gone(body: String, leaving: RawClient.Leaving) async throws {
        for first in [[], [ScriptedBackend.Step.event(.tokens(GeneratedTokens([5], text: "a")))]] {
            let backend = ScriptedBackend(first + [.hold])
            try await ServerHarness.run(backend) { address in
                try await RawClient(address).send(Self.completion(body), leaving: leaving) {
                    while backend.requests.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
                    try await Task.sleep(for: .milliseconds(20))
                }
                #expect(await backend.ending() == .cancelled)
            }
        }
    }
}
