import PacelineCluster
import PacelineMetrics
import PacelineModel
import PacelineSpeculation

/// A verifier's figures for the page, once a second.
struct VerifierFigures {
    private let figures: SnapshotBoard.Figures
    private let pages: KVPageUsage?
    private let entries: [RequestTraces.Entry]
    private let watched: RequestID?

    /// - Parameters:
    ///   - entries: the viewer's own requests that have not ended.
    ///   - watched: the request whose rounds are shown.
    init(_ insight: VerifierInsight, entries: [RequestTraces.Entry], watched: RequestID?) {
        figures = insight.board.latest ?? .empty
        pages = insight.target.pages?()
        self.entries = entries
        self.watched = watched
    }

    var json: JSONValue {
        var fields: [(name: String, value: JSONValue)] = [
            ("requests", requests), ("tokens", tokens), ("speculation", speculation), ("passes", passes),
            ("workers", .array(figures.verifier.workers.map(Self.worker))),
            ("running", .array(entries.map(Self.entry))),
        ]
        if let pages { fields.append(("kv", ["used": .int(pages.used), "capacity": .int(pages.capacity)])) }
        if let watched { fields.append(("watched", .unsigned(watched.rawValue))) }
        return .object(fields)
    }

    private var requests: JSONValue {
        [
            "running": .int(figures.verifier.running), "waiting": .int(figures.verifier.waiting),
            "finished": .int(figures.requests.finished.values.reduce(0, +)),
            "failed": .int(figures.requests.failures.values.reduce(0, +)),
            "first_token": Self.histogram(figures.requests.timeToFirstToken),
            "inter_token": Self.histogram(figures.requests.interTokenLatency),
        ]
    }

    private var tokens: JSONValue {
        [
            "generated": .int(figures.requests.generationTokens), "prompt": .int(figures.verifier.prefilledTokens),
            "reused": .int(figures.verifier.reusedTokens),
        ]
    }

    private var speculation: JSONValue {
        let statistics = figures.verifier.speculation
        var fields: [(name: String, value: JSONValue)] = [
            ("drafts", .int(statistics.drafts)), ("drafted", .int(statistics.draftedTokens)),
            ("accepted", .int(statistics.acceptedTokens)), ("plain", .int(figures.verifier.plainRounds)),
            ("positions", .array(statistics.acceptedPerPosition.map { .int($0) })),
        ]
        if let speedUp = figures.verifier.speedUp { fields.append(("speed_up", .rounded(speedUp))) }
        return .object(fields)
    }

    private var passes: JSONValue {
        let curve = figures.verifier.costs.map { JSONValue.array([.int($0.rows), .rounded($0.milliseconds)]) }
        return ["count": .int(figures.verifier.passes), "curve": .array(curve)]
    }

    private static func worker(_ worker: VerifierSnapshot.Worker) -> JSONValue {
        [
            "id": .unsigned(worker.id.rawValue), "name": .string(worker.name), "drafter": .string(worker.drafter),
            "connected": .bool(worker.isConnected), "requests": .int(worker.openRequests),
            "drafted": .int(worker.draftTokens), "accepted": .int(worker.acceptedTokens),
            "stale": .int(worker.staleTrees), "credit": .int(worker.credit),
            "rest": worker.rest.map { .string("\($0)") } ?? .null,
        ]
    }

    private static func entry(_ entry: RequestTraces.Entry) -> JSONValue {
        [
            "request": .unsigned(entry.request.rawValue), "id": .string(entry.name?.id ?? ""),
            "phase": .string(entry.phase.rawValue), "prompt": .int(entry.promptTokens),
            "generated": .int(entry.generatedTokens), "drafted": .int(entry.draftTokens),
            "accepted": .int(entry.acceptedTokens), "rounds": .int(entry.rounds),
            "age": .rounded(entry.age.inMilliseconds / 1000),
        ]
    }

    /// The counts of its buckets; the page knows the bounds from the greeting.
    private static func histogram(_ histogram: Histogram) -> JSONValue {
        .array(histogram.counts.map { .unsigned($0) })
    }
}

extension ModelService {
    /// What a viewer is told once.
    func greeting(_ insight: VerifierInsight) -> JSONValue {
        let figures = insight.board.latest?.requests ?? RequestFigures(contextLength: 1)
        return [
            "kind": "verifier", "model": .string(model.id), "build": .string(build), "slots": .int(model.slots),
            "context": .int(model.contextLength), "page_tokens": .int(KVPageUsage.tokensPerPage),
            "first_token_bounds": .array(figures.timeToFirstToken.bounds.values.map { .number($0) }),
            "inter_token_bounds": .array(figures.interTokenLatency.bounds.values.map { .number($0) }),
        ]
    }

    var tokenNames: TokenNames { TokenNames(tokenizer: model.tokenizer) }
}

extension JSONValue {
    /// A number with three decimals, which is all that anybody reads.
    static func rounded(_ value: Double) -> JSONValue {
        .number((value * 1000).rounded() / 1000)
    }
}
