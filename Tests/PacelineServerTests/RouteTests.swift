import NIOHTTP1
import Testing

@testable import PacelineServer

@Suite("Routes")
struct RouteTests {
    @Test(
        "Each path has its route, whatever its query",
        arguments: [
            (HTTPMethod.POST, "/v1/completions", Route.completions),
            (.GET, "/v1/models", .models),
            (.HEAD, "/v1/models", .models),
            (.GET, "/v1/workers?all=1", .workers),
            (.GET, "/metrics", .metrics),
            (.GET, "/health", .health),
            (.GET, "/ready#now", .ready),
        ]
    )
    func known(method: HTTPMethod, target: String, route: Route) throws {
        #expect(try Route.matching(method, target) == route)
    }

    @Test("An unknown path is 404 and names known ones", arguments: ["/", "", "/v1", "/v1/completions/", "//health"])
    func unknown(target: String) {
        let error = #expect(throws: GatewayError.self) { try Route.matching(.GET, target) }
        #expect(error?.status == .notFound)
        #expect(error?.message.contains("/v1/completions") == true)
    }

    @Test("Another method on a known path is 405 and names the allowed ones")
    func wrongMethod() {
        let error = #expect(throws: GatewayError.self) { try Route.matching(.DELETE, "/v1/models") }
        #expect(error?.status == .methodNotAllowed)
        #expect(error?.allow == "GET, HEAD")
    }
}
