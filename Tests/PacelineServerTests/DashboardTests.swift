import Foundation
import PacelineCluster
import Testing

@testable import PacelineServer

@Suite("The dashboard", .timeLimit(.minutes(1)))
struct DashboardTests {
    private static func get(_ path: String, _ address: Endpoint, headers: [String] = []) async throws -> String {
        try await RawClient(address).exchange(RawClient.get(path, headers: headers + ["connection: close"]))
    }

    private static func paths(in text: String, between start: String, and end: String) -> [String] {
        text.components(separatedBy: start).dropFirst().compactMap { $0.components(separatedBy: end).first }
    }

    @Test func thePageAndAllThatItNamesAreServedAlsoWhileTheModelLoads() async throws {
        try await ServerHarness.run(.hello, isLoaded: false) { address in
            let page = try await Self.get("/", address)
            #expect(page.hasPrefix("HTTP/1.1 200 ") && page.contains("default-src 'none'"))
            #expect(page.contains(#"<meta name="paceline-requires-key" content="false">"#))
            var waiting = Set(
                Self.paths(in: page, between: #"href="dashboard/"#, and: "\"")
                    + Self.paths(in: page, between: #"src="dashboard/"#, and: "\"")
            )
            var seen: Set<String> = []
            while let name = waiting.popFirst() {
                let file = try await Self.get("/dashboard/\(name)", address)
                #expect(file.hasPrefix("HTTP/1.1 200 "), "\(name)")
                seen.insert(name)
                waiting.formUnion(Set(Self.paths(in: file, between: #"from "./"#, and: "\"")).subtracting(seen))
            }
            #expect(seen.count == 12, "\(seen)")
        }
    }

    @Test func thePageAsksForAKeyIfTheServerDoes() async throws {
        var configuration = HTTPServerConfiguration()
        configuration.keys = try APIKeys(["gamma"], file: nil, logger: ServerLog().logger)
        try await ServerHarness.run(.hello, configuration: configuration) { address in
            let page = try await Self.get("/", address)
            #expect(page.contains(#"<meta name="paceline-requires-key" content="true">"#))
            #expect(try await Self.get("/dashboard/events", address).hasPrefix("HTTP/1.1 401 "))
        }
    }

    @Test func aViewerIsToldThatTheModelLoads() async throws {
        let lifecycle = ServerLifecycle(metrics: ServerMetrics(modelName: "tiny"))
        let view = try VerifierDashboard(lifecycle).open(for: .anonymous, watching: nil)
        let first = try #require(try await view.event(includesFigures: true)?.fields)
        #expect(first.map(\.name) == ["state"])
        let second = try #require(try await view.event(includesFigures: false))
        #expect(second.fields == nil)
    }

    @Test func viewersHaveABound() throws {
        let viewers = ViewerCount()
        var inside = try (0..<ViewerCount.limit).map { _ in try viewers.enter() }
        #expect(throws: APIError.self) { try viewers.enter() }
        inside.removeLast()
        inside.append(try viewers.enter())
    }

    @Test func whatToWatchIsANumberOrTheLatest() throws {
        let dashboard = VerifierDashboard(ServerLifecycle(metrics: ServerMetrics(modelName: "tiny")))
        for wanted in [nil, "", "latest", "7"] { _ = try dashboard.open(for: .anonymous, watching: wanted) }
        #expect(throws: APIError.self) { try dashboard.open(for: .anonymous, watching: "-1") }
    }
}
