import Foundation
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
    static let all = generating + asking + workers + monitoring + health

    /// What generates tokens.
    private static let generating =
        ["/v1/chat/completions", "/chat/completions"].map { path in
            Route(.post, path) { try await $0.serving().chat.respond(to: $1) }
        }
        + ["/v1/completions", "/completions", "/v1/fim/completions"].map { path in
            Route(.post, path) { try await $0.serving().completions.respond(to: $1) }
        }

    /// What tells of prompts, tokens and the model.
    private static let asking = [
        Route(.post, "/v1/chat/completions/input_tokens") { try $0.loaded().chat.inputTokens($1) },
        Route(.post, "/apply-template") { try $0.loaded().chat.applyTemplate($1) },
        Route(.post, "/tokenize") { try $0.loaded().tokens.tokenize($1) },
        Route(.post, "/detokenize") { try $0.loaded().tokens.detokenize($1) },
        Route(.get, "/v1/models") { lifecycle, _ in try lifecycle.loaded().models.list() },
        Route(.get, "/v1/models/**") { lifecycle, request in
            try lifecycle.loaded().models.model(request.name ?? "")
        },
        Route(.get, "/props") { lifecycle, _ in try lifecycle.loaded().models.properties() },
        Route(.get, "/slots") { lifecycle, request in
            try await lifecycle.loaded().models.slots(needsFree: request.query["fail_on_no_slot"] == "1")
        },
    ]

    private static let workers = [
        Route(.get, "/v1/workers") { lifecycle, _ in
            try await .json(WorkerList(data: lifecycle.loaded().backend.connectedWorkers()))
        }
    ]

    private static let monitoring: [Route] = [
        Route(.get, "/metrics", isProbe: true) { lifecycle, request in
            let (text, contentType) = lifecycle.metrics.metricsText(accept: request.accept)
            return .whole(Array(text.utf8), contentType: contentType)
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

    /// The part of `path` that the route leaves open: everything in the place of `**`; nil if it is another route's.
    func name(in path: String) -> String? {
        guard self.path.hasSuffix("**"), path.hasPrefix(self.path.dropLast(2)) else { return nil }
        let name = path.dropFirst(self.path.count - 2)
        return name.isEmpty ? nil : String(name).removingPercentEncoding
    }

    private static let probes = Set(all.filter(\.isProbe).map(\.path))

    /// Whether monitoring asks for `path` all the time.
    static func isProbe(_ path: String) -> Bool { probes.contains(path) }

    /// The route of a request.
    ///
    /// - Throws: ``APIError`` 404 for an unknown path, 405 for another method of a known one.
    static func matching(_ method: HTTPRequest.Method, _ path: String) throws(APIError) -> Route {
        let routes = all.filter { $0.path == path || $0.name(in: path) != nil }
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
