import HTTPTypes
import Testing

@testable import PacelineServer

@Suite("Routes")
struct RouteTests {
    private let table = ServerLifecycle(metrics: ServerMetrics(modelName: "tiny")).routes

    @Test("Each path has its route, and GET answers HEAD")
    func known() throws {
        for route in table.routes {
            #expect(try table.matching(route.method, route.path).path == route.path, "\(route.path)")
            guard route.method == .get else { continue }
            #expect(try table.matching(.head, route.path).path == route.path)
        }
        #expect(Set(table.routes.map { "\($0.method) \($0.path)" }).count == table.routes.count)
    }

    @Test("A model's name may have any characters, and none is the list")
    func openName() throws {
        let route = try table.matching(.get, "/v1/models/org/a%20b")
        #expect(route.name(in: "/v1/models/org/a%20b") == "org/a b")
        #expect(try table.matching(.get, "/v1/models").path == "/v1/models")
        #expect(throws: APIError.self) { try table.matching(.get, "/v1/models/") }
    }

    @Test("An unknown path is 404 and names known ones", arguments: ["/", "", "/v1", "/v1/completions/", "//health"])
    func unknown(path: String) {
        let error = #expect(throws: APIError.self) { try table.matching(.get, path) }
        #expect(error?.status == .notFound)
        #expect(error?.message.contains("/v1/completions") == true)
    }

    @Test("Probes are what monitoring asks for, and nothing that a key protects")
    func probes() {
        let probes = table.routes.map(\.path).filter { table.isProbe($0) }
        #expect(Set(probes) == ["/metrics", "/livez", "/ready", "/health", "/v1/health", "/ping"])
    }

    @Test("Another method on a known path is 405 and names the allowed ones")
    func wrongMethod() {
        let error = #expect(throws: APIError.self) { try table.matching(.delete, "/v1/models") }
        #expect(error?.status == .methodNotAllowed)
        #expect(error?.allow == "GET, HEAD")
    }
}
