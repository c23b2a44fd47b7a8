import HTTPTypes

extension ServerLifecycle {
    /// What a verifier answers.
    package var routes: RouteTable {
        RouteTable(generating + asking + workers + tracing + probes.routes + [.metrics { self.metrics.families }])
    }

    /// What generates tokens.
    private var generating: [Route] {
        ["/v1/chat/completions", "/chat/completions"].map { path in
            Route(.post, path, headers: { self.generation }) { try await self.serving().chat.respond(to: $0) }
        }
            + ["/v1/completions", "/completions", "/v1/fim/completions"].map { path in
                Route(.post, path, headers: { self.generation }) { request in
                    try await self.serving().completions.respond(to: request)
                }
            }
            + DialectRoutes.routes(headers: { self.generation }) { request in
                try await self.serving().chat.respond(to: request)
            } counting: { request in
                try self.loaded().chat.inputTokens(request)
            }
    }

    /// What a gateway needs to know of health and of what is generated, without a key and without another question.
    private var generation: HTTPFields {
        var headers = HTTPFields()
        headers[.pacelineGeneration] = services?.generation
        return headers
    }

    /// What tells of prompts, tokens and the model.
    private var asking: [Route] {
        [
            Route(.post, "/v1/chat/completions/input_tokens") { try self.loaded().chat.inputTokens($0) },
            Route(.post, "/apply-template") { try self.loaded().chat.applyTemplate($0) },
            Route(.post, "/tokenize") { try self.loaded().tokens.tokenize($0) },
            Route(.post, "/detokenize") { try self.loaded().tokens.detokenize($0) },
            Route(.get, "/v1/models") { _ in try self.loaded().models.list() },
            Route(.get, "/v1/models/**") { try self.loaded().models.model($0.name ?? "") },
            Route(.get, "/props") { _ in try self.loaded().models.properties() },
            Route(.get, "/slots") { request in
                try await self.loaded().models.slots(needsFree: request.query["fail_on_no_slot"] == "1")
            },
        ]
    }

    private var workers: [Route] {
        [
            Route(.get, "/v1/workers") { _ in
                try await .json(WorkerList(data: self.loaded().backend.connectedWorkers()))
            }
        ]
    }

    /// What happened to single requests.
    private var tracing: [Route] {
        [
            Route(.get, "/v1/requests") { try self.tracingService().list(for: $0.tenant) },
            Route(.get, "/v1/requests/**") { try self.tracingService().trace($0.name ?? "", for: $0.tenant) },
        ]
    }

    private func tracingService() throws(APIError) -> TraceService {
        guard let traces = try loaded().traces else { throw .notFound("this server remembers no requests") }
        return traces
    }

    private var probes: ProbeRoutes {
        ProbeRoutes(
            headers: { self.generation + [.pacelineIncarnation: self.incarnation] },
            checkReadiness: { try self.checkReadiness() },
            checkLife: { guard try await self.services?.backend.isAlive() ?? true else { throw APIError.stuck } }
        )
    }
}

extension APIError {
    fileprivate static let stuck = unavailable(
        "the model has stopped computing in the middle of a pass; restart the verifier",
        code: "stuck",
        retryAfter: 10
    )
}
