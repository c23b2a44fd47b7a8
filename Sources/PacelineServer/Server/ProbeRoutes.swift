package import HTTPTypes
package import PacelineMetrics

/// What every process answers about itself, without a key.
package struct ProbeRoutes: Sendable {
    private let names: [String]
    private let headers: @Sendable () -> HTTPFields
    private let checkReadiness: @Sendable () throws -> Void
    private let checkLife: @Sendable () async throws -> Void

    /// - Parameters:
    ///   - names: paths that answer whether the process wants requests.
    ///   - headers: of their answers that are no errors.
    ///   - checkReadiness: throws an ``APIError`` unless it wants requests.
    ///   - checkLife: throws one if it has to be started again.
    package init(
        _ names: [String] = Self.healthNames,
        headers: @escaping @Sendable () -> HTTPFields = { [:] },
        checkReadiness: @escaping @Sendable () throws -> Void,
        checkLife: @escaping @Sendable () async throws -> Void = {}
    ) {
        (self.names, self.headers) = (names, headers)
        (self.checkReadiness, self.checkLife) = (checkReadiness, checkLife)
    }

    /// One answer under the names of llama-server, vLLM and SageMaker.
    package static let healthNames = ["/health", "/v1/health", "/ping"]

    package var routes: [Route] {
        names.map { route($0, "ok", checkReadiness, headers: headers) }
            + [route("/ready", "ready", checkReadiness), route("/livez", "alive", checkLife)]
    }

    private func route(
        _ path: String,
        _ status: String,
        _ check: @escaping @Sendable () async throws -> Void,
        headers: @escaping @Sendable () -> HTTPFields = { [:] }
    ) -> Route {
        Route(.get, path, isProbe: true, headers: headers) { _ in
            try await check()
            return try .json(StatusBody(status: status))
        }
    }
}

extension Route {
    /// `/metrics`, in the format that is asked for.
    package static func metrics(_ families: @escaping @Sendable () async throws -> [MetricFamily]) -> Route {
        Route(.get, "/metrics", isProbe: true) { request in
            let format = Exposition.Format(accept: request.headers[.accept])
            let text = Exposition.text(of: try await families(), format: format)
            return .whole(Array(text.utf8), contentType: format.contentType)
        }
    }
}
