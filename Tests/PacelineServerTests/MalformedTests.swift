import NIOCore
import PacelineCluster
import PacelineSpeculation
import PacelineTestKit
import Testing

@testable import PacelineServer

/// What clients send that is not, or hardly, HTTP.
@Suite("Malformed requests over real sockets", .timeLimit(.minutes(2)))
struct MalformedTests {
    /// Bytes, and the statuses of the answers to them.
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let bytes: [UInt8]
        let statuses: [String]

        init(_ name: String, _ text: String, _ statuses: String...) {
            self.init(name, Array(text.utf8), statuses)
        }

        init(_ name: String, _ bytes: [UInt8], _ statuses: [String]) {
            (self.name, self.bytes, self.statuses) = (name, bytes, statuses)
        }

        var testDescription: String { name }
    }

    private static func get(_ target: String, _ headers: String...) -> String {
        (["GET \(target) HTTP/1.1", "host: test"] + headers).joined(separator: "\r\n") + "\r\n\r\n"
    }

    private static func post(_ headers: String..., body: String) -> String {
        (["POST /v1/completions HTTP/1.1", "host: test"] + headers).joined(separator: "\r\n") + "\r\n\r\n" + body
    }

    private static let chunked = "transfer-encoding: chunked"

    private static let heads = [
        Case("an unknown method", "FOO /health HTTP/1.1\r\nhost: test\r\n\r\n", "400"),
        Case("an unknown version", "GET /health HTTP/9.9\r\nhost: test\r\n\r\n", "400"),
        Case("no version", "GET /health\r\n\r\n", "400"),
        Case("HTTP/2 without asking", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400"),
        Case("a header without a colon", get("/health", "what is this"), "400"),
        Case("a space in a header's name", get("/health", "a b: c"), "400"),
        Case("a zero byte in a header", get("/health", "a: b\u{0}c"), "400"),
        Case("a header of 100 KiB", get("/health", "a: " + String(repeating: "x", count: 100 << 10)), "431"),
        Case("a target of 100 KiB", get("/" + String(repeating: "x", count: 100 << 10)), "431"),
        Case("2,000 headers", get("/health", String(repeating: "a: b\r\n", count: 2000) + "c: d"), "431"),
        Case("TLS", [0x16, 3, 1, 0, 5, 1, 0, 0, 1, 3, 0x0d, 0x0a], ["400"]),
        Case(
            "a target that is not UTF-8",
            Array("GET /".utf8) + [0xff, 0xfe] + Array(" HTTP/1.1\r\n\r\n".utf8),
            ["400"]
        ),
        Case("a target that only looks like UTF-8", get("/%ff%00"), "404"),
        Case("a target with a host", get("http://test/health"), "200"),
        Case("no target at all", get("*"), "404"),
        Case("an upgrade that nobody offers", get("/health", "connection: upgrade", "upgrade: websocket"), "200"),
        Case("a tunnel", "CONNECT test:80 HTTP/1.1\r\nhost: test:80\r\n\r\n", "404"),
        Case("no host", "GET /health HTTP/1.1\r\n\r\n", "200"),
        Case("nothing but line ends", "\r\n\r\n\r\n", "408"),
    ]

    private static let bodies = [
        Case("no length", post(body: ""), "400"),
        Case("a length that is no number", post("content-length: ten", body: "{}"), "400"),
        Case("a negative length", post("content-length: -1", body: "{}"), "400"),
        Case("a length beyond all bounds", post("content-length: 99999999999999999999", body: "{}"), "400"),
        Case("a length beyond the limit", post("content-length: 2000", body: "{}"), "413"),
        Case("such a length, after asking", post("content-length: 2000", "expect: 100-continue", body: ""), "413"),
        Case("two lengths", post("content-length: 2", "content-length: 3", body: "{} "), "400"),
        Case("a length and chunks", post("content-length: 2", chunked, body: "2\r\n{}\r\n0\r\n\r\n"), "400"),
        Case("an unknown coding", post("transfer-encoding: gzip", body: "{}"), "400"),
        Case("a chunk without a size", post(chunked, body: "zz\r\n{}\r\n0\r\n\r\n"), "400"),
        Case("a chunk beyond all bounds", post(chunked, body: "fffffffffffffffff\r\n{}"), "400"),
        Case("a chunk longer than its size", post(chunked, body: "1\r\n{}\r\n0\r\n\r\n"), "400"),
        Case("an unfinished chunk", post(chunked, body: "5\r\n{"), "408"),
        Case("chunks beyond the limit", post(chunked, body: "5dc\r\n" + String(repeating: "x", count: 1500)), "413"),
        Case("an unfinished body", post("content-length: 10", body: "{"), "408"),
        Case(
            "a body that is not UTF-8",
            Array(post("content-length: 3", body: "").utf8) + [0x22, 0xff, 0x22],
            ["400"]
        ),
        Case("a body where none belongs", get("/health", "content-length: 2") + "{}", "200"),
    ]

    private static let several = [
        Case(
            "fifty requests at once",
            Array(String(repeating: get("/health"), count: 50).utf8),
            Array(repeating: "200", count: 50)
        ),
        Case("garbage behind a request", get("/health") + "\u{1}\u{2}\r\n\r\n", "200", "400"),
        Case("a request behind a refused one", post("content-length: ten", body: "{}") + get("/health"), "400"),
        Case("a request behind a long one", post("content-length: 2000", body: "{}") + get("/health"), "413"),
        Case("a request behind a last one", get("/health", "connection: close") + get("/health"), "200"),
    ]

    private static var configuration: HTTPServerConfiguration {
        var configuration = HTTPServerConfiguration()
        configuration.bodyLimit = 1000
        // Some cases wait for these. On a busy machine, a request may take seconds to be read.
        configuration.idleTimeout = .seconds(6)
        configuration.requestTimeout = .seconds(5)
        return configuration
    }

    @Test("get an error in JSON, or what their valid part asks for", arguments: heads + bodies + several)
    func table(malformed: Case) async throws {
        try await ServerHarness.run(.hello, configuration: Self.configuration) { address in
            let answer = try await RawClient(address).exchange(bytes: malformed.bytes)
            let answers = answer.split(separator: "HTTP/1.1 ").filter { !$0.hasPrefix("100 ") }
            #expect(answers.map { String($0.prefix(3)) } == malformed.statuses, "\(answer)")
            for refusal in answers where !refusal.hasPrefix("200 ") {
                let body = try #require(refusal.split(separator: "\r\n\r\n", maxSplits: 1).last)
                let error = try JSON.decode(ErrorBody.self, from: ByteBuffer(substring: body)).error
                #expect(!error.message.isEmpty && body.contains(#""param":"#) && body.contains(#""code":"#))
            }
            #expect(try await RawClient(address).exchange(RawClient.get("/health")).hasPrefix("HTTP/1.1 200 "))
        }
    }

    @Test("damaged at random, neither stop the server nor hold on to a connection")
    func damaged() async throws {
        var configuration = Self.configuration
        // A connection that stays open would soon be missed.
        (configuration.connectionLimit, configuration.refusalLimit) = (16, 0)
        (configuration.idleTimeout, configuration.requestTimeout) = (.milliseconds(100), .milliseconds(100))
        let seeds = (Self.heads + Self.bodies + Self.several).map(\.bytes).filter { $0.count < 10_000 }
        try await ServerHarness.run(.hello, configuration: configuration) { address in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for lane in 0..<8 as Range<UInt64> {
                    group.addTask {
                        var random = SplitMix(seed: lane)
                        for _ in 0..<100 {
                            var bytes = seeds[Int.random(in: 0..<seeds.count, using: &random)]
                            for _ in 0..<Int.random(in: 1...4, using: &random) {
                                let place = Int.random(in: 0..<bytes.count, using: &random)
                                bytes[place] = UInt8.random(in: .min ... .max, using: &random)
                            }
                            _ = try await RawClient(address).exchange(bytes: bytes)
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await RawClient(address).exchange(RawClient.get("/health")).hasPrefix("HTTP/1.1 200 "))
        }
    }
}
