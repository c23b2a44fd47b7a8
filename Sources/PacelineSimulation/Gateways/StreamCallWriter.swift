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
            path: request.stream.isChat ? "/v1/chat/completions" : "/v1/completions",
            headers: headers,
            body: ByteBuffer(bytes: body(resumption, seed).bytes),
            generates: true,
            drawnSeed: request.seed
        )
    }

    private func body(_ resumption: [[Token]?]?, _ seed: UInt64?) -> JSONValue {
        let wishes = request.stream
        var fields: [(name: String, value: JSONValue)] = [
            ("stream", .bool(wishes.isStreamed)), ("max_tokens", .int(request.maximumTokens)),
            ("n", .int(wishes.choices)), ("return_token_ids", .bool(wishes.showsTokens)),
            ("stop_token_ids", tokens(request.stopTokens.sorted())), ("min_tokens", .int(request.minimumTokens)),
        ]
        fields += wishes.isChat ? chat : completion
        // Who goes on with an answer has to name its seed.
        if let seed, wishes.statesSeed || resumption != nil { fields.append(("seed", .unsigned(seed))) }
        if wishes.showsUsage { fields.append(("stream_options", ["include_usage": true])) }
        if let seconds = wishes.pingInterval { fields.append(("sse_ping_interval", .number(seconds))) }
        if let limit = request.draftLimit { fields.append(("speculative.n_max", .int(limit))) }
        if let salt = request.cacheSalt { fields.append(("cache_salt", .string(salt))) }
        if let resumption {
            let lists = resumption.map { $0.map(tokens) ?? .null }
            fields.append(("resume", ["tokens": .array(lists)]))
        }
        return .object(fields)
    }

    private var completion: [(name: String, value: JSONValue)] {
        let scores = request.logProbabilities.map { [(name: "logprobs", value: JSONValue.int($0.top))] } ?? []
        return [("prompt", tokens(request.prompt)), ("echo", .bool(request.stream.echoes))] + scores
    }

    /// The prompt in one message, or in three of both sides.
    private var chat: [(name: String, value: JSONValue)] {
        let prompt = request.prompt
        let parts = prompt.count < 3 ? [prompt[...]] : [prompt[..<1], prompt[1..<2], prompt[2...]]
        let messages = parts.enumerated().map { place, part -> JSONValue in
            let role: JSONValue = place == 1 ? "assistant" : "user"
            return ["role": role, "content": .string(MockVocabulary.text(Array(part)))]
        }
        let scores: [(name: String, value: JSONValue)] =
            request.logProbabilities.map {
                [("logprobs", true), ("top_logprobs", .int($0.top))]
            } ?? []
        return [("messages", .array(messages))] + scores
    }

    private func tokens(_ tokens: [Token]) -> JSONValue {
        .array(tokens.map { .int(Int($0)) })
    }
}
