package import PacelineCluster
import PacelineSpeculation

/// Answers what happened to requests: `/v1/requests` and `/v1/requests/{id}/trace`. A key sees its own requests only.
package struct TraceService: Sendable {
    /// Requests of a list.
    private static let listLimit = 100

    private let traces: RequestTraces
    private let names: TokenNames

    package init(_ traces: RequestTraces, model: ServedModel) {
        self.traces = traces
        names = TokenNames(tokenizer: model.tokenizer)
    }

    /// `GET /v1/requests`
    package func list(for tenant: Tenant) throws -> APIReply {
        let entries = traces.entries(of: tenant, includesEnded: true, limit: Self.listLimit)
        return try .json(RequestList(data: entries.compactMap(RequestList.Entry.init)))
    }

    /// `GET /v1/requests/{id}/trace`
    ///
    /// - Parameter path: what the path says behind `/v1/requests/`.
    /// - Throws: ``APIError`` (404) if nothing is known of such a request of the tenant.
    package func trace(_ path: String, for tenant: Tenant) throws -> APIReply {
        guard path.hasSuffix("/trace") else {
            throw APIError.notFound("there is nothing at /v1/requests/\(path.prefix(80)); see /v1/requests/ID/trace")
        }
        let name = String(path.dropLast("/trace".count))
        guard let body = RequestTraceBody(traces.traces(named: name, of: tenant), names: names) else {
            let kept = traces.limit > 0 ? "the latest \(traces.limit) that ended are" : "none that ended is"
            throw APIError.notFound(
                "no request \(name.prefix(128)) of yours is known; besides those that run, \(kept) kept "
                    + "(--trace-requests), and /v1/requests lists them",
                code: "request_not_found"
            )
        }
        return try .json(body)
    }
}

extension RequestList.Entry {
    fileprivate init?(_ entry: RequestTraces.Entry) {
        guard let name = entry.name else { return nil }
        self.init(
            id: name.id,
            answer: name.answer,
            choice: name.choice,
            created: name.created,
            phase: entry.phase.rawValue,
            promptTokens: entry.promptTokens,
            completionTokens: entry.generatedTokens,
            rounds: entry.rounds,
            ageMS: entry.age.inMilliseconds.rounded()
        )
    }
}
