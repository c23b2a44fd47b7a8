import HTTPTypes

/// A method and path that the server answers, and how.
struct Route: Sendable {
    typealias Handler = @Sendable (ServerLifecycle, APIRequest) async throws -> APIReply

    let method: HTTPRequest.Method
    let path: String
    /// Whether monitoring asks for it all the time; such requests need no key, no slot and no line in the log.
    let isProbe: Bool
    let handler: Handler

    init(_ method: HTTPRequest.Method, _ path: String, isProbe: Bool = false, _ handler: @escaping Handler) {
        self.method = method
        self.path = path
        self.isProbe = isProbe
        self.handler = handler
    }

    /// The methods that the path takes because of this route.
    var methods: [HTTPRequest.Method] { method == .get ? [.get, .head] : [method] }

    /// Everything that there is; `GET` answers `HEAD` too.
    static let all = api + monitoring + health

    private static let api: [Route] = [
        Route(.post, "/v1/completions") { try await $0.serving().completions.respond(to: $1) },
        Route(.get, "/v1/models") { lifecycle, _ in
            let model = try lifecycle.loaded().model
            return try .json(ModelList(id: model.id, contextLength: model.contextLength))
        },
        Route(.get, "/v1/workers") { lifecycle, _ in
            try await .json(WorkerList(data: lifecycle.loaded().backend.connectedWorkers()))
        },
    ]

    private static let monitoring: [Route] = [
        Route(.get, "/metrics", isProbe: true) { lifecycle, _ in
            let metrics = try await lifecycle.services?.backend.metrics() ?? MetricsText()
            return .whole(Array(metrics.text.utf8), contentType: MetricsText.contentType)
        },
        Route(.get, "/livez", isProbe: true) { lifecycle, _ in
            guard try await lifecycle.services?.backend.isAlive() ?? true else { throw APIError.stuck }
            return try .json(StatusBody(status: "alive"))
        },
        Route(.get, "/ready", isProbe: true) { lifecycle, _ in
            try lifecycle.checkReadiness()
            return try .json(StatusBody(status: "ready"))
        },
    ]

    /// One answer under the names of llama-server, vLLM and SageMaker.
    private static let health = ["/health", "/v1/health", "/ping"].map { path in
        Route(.get, path, isProbe: true) { lifecycle, _ in
            try lifecycle.checkReadiness()
            return try .json(StatusBody(status: "ok"))
        }
    }

    private static let probes = Set(all.filter(\.isProbe).map(\.path))

    /// Whether monitoring asks for `path` all the time.
    static func isProbe(_ path: String) -> Bool { probes.contains(path) }

    /// The route of a request.
    ///
    /// - Throws: ``APIError`` 404 for an unknown path, 405 for another method of a known one.
    static func matching(_ method: HTTPRequest.Method, _ path: String) throws(APIError) -> Route {
        let routes = all.filter { $0.path == path }
        if let route = routes.first(where: { $0.methods.contains(method) }) { return route }
        guard !routes.isEmpty else {
            let known = all.map(\.path).joined(separator: ", ")
            throw .notFound("there is nothing at \(path.prefix(80)); see \(known)")
        }
        let allowed = routes.flatMap(\.methods).map(\.rawValue).joined(separator: ", ")
        throw .methodNotAllowed("\(path.prefix(80)) takes \(allowed), not \(method.rawValue)", allow: allowed)
    }
}

extension APIError {
    fileprivate static let stuck = unavailable(
        "the model has stopped computing in the middle of a pass; restart the verifier",
        code: "stuck",
        retryAfter: 10
    )
}
