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
    static let all = [
        Route(.post, "/v1/completions") { try await $0.loaded().completions.respond(to: $1) },
        Route(.get, "/v1/models") { lifecycle, _ in
            let model = try lifecycle.loaded().model
            return try .json(ModelList(id: model.id, contextLength: model.contextLength))
        },
        Route(.get, "/v1/workers") { lifecycle, _ in
            try await .json(WorkerList(data: lifecycle.loaded().backend.connectedWorkers()))
        },
        Route(.get, "/metrics", isProbe: true) { lifecycle, request in
            let (text, contentType) = lifecycle.metrics.metricsText(accept: request.accept)
            return .whole(Array(text.utf8), contentType: contentType)
        },
        Route(.get, "/health", isProbe: true) { _, _ in try .json(StatusBody(status: "ok")) },
        Route(.get, "/ready", isProbe: true) { lifecycle, _ in
            _ = try lifecycle.serving()
            return try .json(StatusBody(status: "ready"))
        },
    ]

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
