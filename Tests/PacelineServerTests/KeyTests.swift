import Foundation
import PacelineCluster
import ServiceLifecycle
import Testing

@testable import PacelineServer

@Suite("API keys", .timeLimit(.minutes(1)))
struct KeyTests {
    private static func file(_ text: String) throws -> String {
        let file = FileManager.default.temporaryDirectory.appending(path: "keys-\(UUID().uuidString)")
        try Data(text.utf8).write(to: file)
        return file.path
    }

    private static func status(_ address: Endpoint, _ path: String, _ headers: String...) async throws -> Substring {
        let answer = try await RawClient(address).exchange(
            RawClient.get(path, headers: headers + ["connection: close"])
        )
        return answer.dropFirst("HTTP/1.1 ".count).prefix(3)
    }

    @Test("With keys, everything but probes needs one of them, as a bearer token or as x-api-key")
    func needed() async throws {
        var configuration = HTTPServerConfiguration()
        let file = try Self.file("# two keys\nalpha # of a\n\n  beta\r\n")
        configuration.keys = try APIKeys(["gamma"], file: file, logger: ServerLog().logger)
        try await ServerHarness.run(.hello, configuration: configuration) { address in
            for path in ["/v1/models", "/v1/completions", "/nowhere"] {
                #expect(try await Self.status(address, path) == "401")
                #expect(try await Self.status(address, path, "authorization: Bearer alph") == "401")
                #expect(try await Self.status(address, path, "authorization: Bearer") == "401")
                #expect(try await Self.status(address, path, "authorization: Basic alpha") == "401")
                #expect(try await Self.status(address, path, "x-api-key: ") == "401")
            }
            for key in ["alpha", "beta", "gamma"] {
                #expect(try await Self.status(address, "/v1/models", "authorization: bearer \(key)") == "200")
                #expect(try await Self.status(address, "/v1/models", "x-api-key: \(key)") == "200")
                #expect(try await Self.status(address, "/nowhere", "x-api-key: \(key)") == "404")
                let field = "authorization: Bearer \(key)"
                #expect(try await Self.status(address, "/v1/models", field, field) == "200")
                #expect(try await Self.status(address, "/v1/models", field, "authorization: Bearer other") == "401")
            }
            for path in ["/health", "/v1/health", "/ping", "/livez", "/ready", "/metrics"] {
                #expect(try await Self.status(address, path) == "200")
            }
            let answer = try await RawClient(address).exchange(RawClient.post("/v1/completions", "{}"))
            #expect(answer.contains(#""code":"invalid_api_key""#) && answer.contains("WWW-Authenticate: Bearer\r\n"))
        }
    }

    @Test("A refused request's body is not read, and the refusal arrives all the same")
    func unreadBody() async throws {
        var configuration = HTTPServerConfiguration()
        configuration.keys = try APIKeys(["gamma"], file: nil, logger: ServerLog().logger)
        configuration.bodyMemory = 0
        try await ServerHarness.run(.hello, configuration: configuration) { address in
            let body = String(repeating: "x", count: 1 << 20)
            let answer = try await RawClient(address).exchange(RawClient.post("/v1/completions", body, headers: []))
            #expect(answer.hasPrefix("HTTP/1.1 401 "), "\(answer)")
        }
    }

    @Test("A file of keys is read again when it changes; one that cannot be used changes nothing")
    func reloaded() async throws {
        let log = ServerLog()
        let file = try Self.file("alpha")
        let keys = try APIKeys([], file: file, logger: log.logger)
        let reading = Task { for service in keys.services { try await service.run() } }
        defer { reading.cancel() }
        #expect(keys.tenant(of: "alpha") != nil && keys.tenant(of: "beta") == nil)
        try Data("beta\ngamma".utf8).write(to: URL(filePath: file))
        while keys.tenant(of: "beta") == nil { try await Task.sleep(for: .milliseconds(20)) }
        #expect(keys.tenant(of: "alpha") == nil && keys.tenant(of: "gamma") != nil)
        try Data("# nobody".utf8).write(to: URL(filePath: file))
        while !log.lines.contains(where: { $0.hasSuffix("what was read before stays in use") }) {
            #expect(keys.tenant(of: "beta") != nil)
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(keys.tenant(of: "beta") != nil)
    }

    @Test("Each key is a tenant of its own, whose name does not hold the key")
    func tenants() throws {
        let keys = try APIKeys(["alpha", "beta"], file: nil, logger: ServerLog().logger)
        let tenants = ["alpha", "beta"].compactMap { keys.tenant(of: $0) }
        #expect(Set(tenants).count == 2 && tenants.allSatisfy { $0.rawValue.utf8.count == 16 })
        #expect(keys.tenant(of: "alpha") == tenants[0])
    }

    @Test("Keys that cannot be used are refused at the start, in words")
    func refused() throws {
        let logger = ServerLog().logger
        #expect(throws: APIKeyError.malformed(source: "--api-key")) { try APIKeys(["a b"], file: nil, logger: logger) }
        #expect(throws: APIKeyError.unreadable(path: "/none")) { try APIKeys([], file: "/none", logger: logger) }
        let empty = try Self.file("# none\n")
        #expect(throws: APIKeyError.none(path: empty)) { try APIKeys([], file: empty, logger: logger) }
    }
}
