package import NIOHTTP1

/// What the gateway serves.
package enum Route: Sendable, Hashable {
    case completions
    case models
    /// Who drafts.
    case workers
    /// Figures for Prometheus.
    case metrics
    /// The process is alive.
    case health
    /// The process takes requests.
    case ready

    /// The route of a request's method and target (path with or without a query).
    ///
    /// - Throws: ``GatewayError`` 404 for an unknown path, 405 for another method of a known one.
    package static func matching(_ method: HTTPMethod, _ target: String) throws(GatewayError) -> Route {
        let path = target.prefix { $0 != "?" && $0 != "#" }
        guard let (route, methods) = table[String(path)] else {
            throw .notFound(
                "there is nothing at \(path.prefix(80)); see /v1/completions, /v1/models, "
                    + "/v1/workers, /health, /ready, /metrics"
            )
        }
        guard methods.contains(method) else {
            let allowed = methods.map(\.rawValue).joined(separator: ", ")
            throw GatewayError(
                status: .methodNotAllowed,
                type: "invalid_request_error",
                message: "\(path) takes \(allowed), not \(method.rawValue)",
                allow: allowed
            )
        }
        return route
    }

    private static let table: [String: (Route, [HTTPMethod])] = [
        "/v1/completions": (.completions, [.POST]),
        "/v1/models": (.models, [.GET, .HEAD]),
        "/v1/workers": (.workers, [.GET, .HEAD]),
        "/metrics": (.metrics, [.GET, .HEAD]),
        "/health": (.health, [.GET, .HEAD]),
        "/ready": (.ready, [.GET, .HEAD]),
    ]
}
