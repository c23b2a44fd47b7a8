import HTTPTypes
import Testing

@testable import PacelineServer

@Suite("Routes")
struct RouteTests {
    @Test("Each path has its route, and GET answers HEAD")
    func known() throws {
        for route in Route.all {
            #expect(try Route.matching(route.method, route.path).path == route.path)
            guard route.method == .get else { continue }
            #expect(try Route.matching(.head, route.path).path == route.path)
        }
        #expect(Set(Route.all.map { "\($0.method) \($0.path)" }).count == Route.all.count)
    }

    @Test("An unknown path is 404 and names known ones", arguments: ["/", "", "/v1", "/v1/completions/", "//health"])
    func unknown(path: String) {
        let error = #expect(throws: APIError.self) { try Route.matching(.get, path) }
        #expect(error?.status == .notFound)
        #expect(error?.message.contains("/v1/completions") == true)
    }

    @Test("Another method on a known path is 405 and names the allowed ones")
    func wrongMethod() {
        let error = #expect(throws: APIError.self) { try Route.matching(.delete, "/v1/models") }
        #expect(error?.status == .methodNotAllowed)
        #expect(error?.allow == "GET, HEAD")
    }
}
