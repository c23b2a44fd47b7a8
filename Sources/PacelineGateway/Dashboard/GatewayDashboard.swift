package import PacelineCluster
package import PacelineServer
import Synchronization

/// Shows a gateway: what it relays, which verifiers it knows, and what goes from one of them to another.
///
/// Everybody sees the same: it knows no request's text, and the rounds of a request are at its verifier.
package struct GatewayDashboard: DashboardSource {
    private let gateway: Gateway
    private let build: String
    /// Tells a viewer that comes back whether its figures are those of another life of the process.
    private let incarnation = UInt64.random(in: 0 ... .max)

    /// - Parameter build: names the program.
    package init(_ gateway: Gateway, build: String) {
        (self.gateway, self.build) = (gateway, build)
    }

    package func open(for tenant: Tenant, watching request: String?) throws(APIError) -> any DashboardView {
        guard request?.isEmpty ?? true else {
            throw .invalidRequest(
                "a gateway has no rounds of requests; ask the verifier that answers the request",
                param: "request"
            )
        }
        return GatewayView(gateway, build: build, incarnation: String(incarnation, radix: 16))
    }
}

private final class GatewayView: DashboardView {
    private struct State {
        var isGreeted = false
        var landmarks: GatewayFigures.Landmarks?
    }

    private let gateway: Gateway
    private let build: String
    private let incarnation: String
    private let state = Mutex(State())

    init(_ gateway: Gateway, build: String, incarnation: String) {
        (self.gateway, self.build, self.incarnation) = (gateway, build, incarnation)
    }

    func event(includesFigures: Bool) async throws -> DashboardEvent? {
        let phase = gateway.phase
        guard phase != .draining else { return nil }
        let figures = GatewayFigures(try await gateway.snapshot())
        let (isGreeted, hasNews) = state.withLock { state in
            defer { (state.isGreeted, state.landmarks) = (true, figures.landmarks) }
            return (state.isGreeted, state.landmarks != figures.landmarks)
        }
        guard includesFigures || hasNews else { return DashboardEvent([]) }
        var fields: [(name: String, value: JSONValue)] = []
        if !isGreeted { fields.append(("hello", figures.greeting(build: build, incarnation: incarnation))) }
        let word = phase == .leaving ? "leaving" : figures.isServing ? "serving" : "waiting"
        fields += [("state", .string(word)), ("figures", figures.json)]
        return DashboardEvent(fields)
    }
}
