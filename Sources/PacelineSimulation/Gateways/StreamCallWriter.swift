import HTTPTypes
import NIOCore
import PacelineCluster
import PacelineGateway
import PacelineServer
import PacelineSpeculation

/// Writes a request of a scenario as a client of a gateway sends it.
struct StreamCallWriter {
    private let request: Scenario.Request

    init(_ request: Scenario.Request) {
        self.request = request
    }

    /// - Parameters:
    ///   - resumption: the tokens that the client has of each choice; nil for the beginning.
    ///   - seed: what the client knows as its answer's seed.
    func call(resuming resumption: [[Token]?]?, seed: UInt64?) -> ProxiedCall {
        var headers: HTTPFields = [.contentType: "application/json"]
        if !request.tenant.rawValue.isEmpty { headers[.authorization] = request.tenant.rawValue }
        return ProxiedCall(
            method: .post,
            path: "/v1/completions",
            headers: headers,
            body: ByteBuffer(bytes: body(resumption, seed).bytes),
            generates: true,
            drawnSeed: request.seed
        )
    }

    private func body(_ resumption: [[Token]?]?, _ seed: UInt64?) -> JSONValue {
        let wishes = request.stream
        var fields: [(name: String, value: JSONValue)] = [
            ("prompt", tokens(request.prompt)), ("stream", true), ("max_tokens", .int(request.maximumTokens)),
            ("n", .int(wishes.choices)), ("return_token_ids", .bool(wishes.showsTokens)),
            ("echo", .bool(wishes.echoes)), ("stop_token_ids", tokens(request.stopTokens.sorted())),
            ("min_tokens", .int(request.minimumTokens)),
        ]
        // Who goes on with an answer has to name its seed.
        if let seed, wishes.statesSeed || resumption != nil { fields.append(("seed", .unsigned(seed))) }
        if wishes.showsUsage { fields.append(("stream_options", ["include_usage": true])) }
        if let seconds = wishes.pingInterval { fields.append(("sse_ping_interval", .number(seconds))) }
        if let limit = request.draftLimit { fields.append(("speculative.n_max", .int(limit))) }
        if let scoring = request.logProbabilities { fields.append(("logprobs", .int(scoring.top))) }
        if let salt = request.cacheSalt { fields.append(("cache_salt", .string(salt))) }
        if let resumption {
            let lists = resumption.map { $0.map(tokens) ?? .null }
            fields.append(("resume", ["tokens": .array(lists)]))
        }
        return .object(fields)
    }

    private func tokens(_ tokens: [Token]) -> JSONValue {
        .array(tokens.map { .int(Int($0)) })
    }
}
