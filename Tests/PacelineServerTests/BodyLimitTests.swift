import NIOCore
import PacelineCluster
import PacelineModel
import PacelineSpeculation
import Testing

@testable import PacelineServer

@Suite("Long prompts over real sockets", .timeLimit(.minutes(2)))
struct BodyLimitTests {
    private static let tokens = 270_000

    private static func configuration(contextLength: Int) -> HTTPServerConfiguration {
        HTTPServerConfiguration(contextLength: contextLength, tokenizer: ServerHarness.tokenizer)
    }

    @Test("A prompt of 270,000 tokens is accepted by a context of a million, as token ids and as text")
    func fits() async throws {
        let backend = ScriptedBackend.hello
        let ids = "[" + String(repeating: "1, ", count: Self.tokens - 1) + "1]"
        let text = "\"" + String(repeating: "?a", count: Self.tokens / 2) + "\""
        try await ServerHarness.run(backend, configuration: Self.configuration(contextLength: 1_000_000)) { address in
            for prompt in [ids, text] {
                let body = "{\"prompt\": \(prompt)}"
                let answer = try await RawClient(address).exchange(RawClient.post("/v1/completions", body))
                #expect(answer.hasPrefix("HTTP/1.1 200 "), "\(answer)")
            }
        }
        #expect(backend.requests.map(\.prompt.count) == [Self.tokens, Self.tokens])
    }

    @Test("Whatever fits a context fits the body: its longest tokens, escaped, and ids on separate lines")
    func worstCase() throws {
        let tokenizer = ServerHarness.tokenizer
        let longest = try (0..<UInt32(tokenizer.tokenCount)).map { try tokenizer.bytes(of: $0).count }.max() ?? 0
        #expect(longest > 1)
        let limit = Self.configuration(contextLength: 1000).bodyLimit
        #expect(limit >= 1000 * longest * 3)
        #expect(limit >= 1000 * "        4294967295,\n".utf8.count)
    }

    @Test("The limit grows with the context but is bounded, whatever context a file claims")
    func bounded() {
        let limits = [2048, 1_000_000, .max].map { Self.configuration(contextLength: $0).bodyLimit }
        #expect(limits[0] < 16 << 20)
        #expect(limits[0] < limits[1] && limits[1] < limits[2] && limits[2] < .max)
    }

    @Test("All bodies together are bounded: one too many is refused until another request is answered")
    func together() async throws {
        var configuration = HTTPServerConfiguration()
        configuration.bodyMemory = 1500
        let body = "{\"prompt\": [1], \"user\": \"\(String(repeating: "x", count: 900))\"}"
        let request = RawClient.post("/v1/completions", body)
        let backend = ScriptedBackend([.hold])
        try await ServerHarness.run(backend, configuration: configuration) { address in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await RawClient(address).exchange(request) }
                while backend.requests.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
                let refused = try await RawClient(address).exchange(request)
                #expect(refused.hasPrefix("HTTP/1.1 503 ") && refused.contains("Retry-After: 1"), "\(refused)")
                // Small bodies still fit.
                let other = try await RawClient(address).exchange(RawClient.post("/v1/completions", "{}"))
                #expect(other.hasPrefix("HTTP/1.1 400 "))
                group.cancelAll()
                #expect(await backend.ending() == .cancelled)
            }
            let refusal = RawClient.post("/v1/completions", "{\"n\": 2\(String(repeating: " ", count: 900))}")
            while try await RawClient(address).exchange(refusal).hasPrefix("HTTP/1.1 503 ") {}
        }
    }
}
