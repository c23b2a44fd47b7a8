import HTTPTypes
import NIOCore
import PacelineSpeculation

@testable import PacelineGateway

/// Requests of clients.
enum Calls {
    static let seed: UInt64 = 77

    static func completion(_ fields: String, drawnSeed: UInt64 = seed, headers: HTTPFields = [:]) -> ProxiedCall {
        call("/v1/completions", "{\(fields)}", drawnSeed: drawnSeed, headers: headers)
    }

    static func chat(_ fields: String, drawnSeed: UInt64 = seed) -> ProxiedCall {
        let messages = #""messages": [{"role": "user", "content": "Say something."}]"#
        return call("/v1/chat/completions", "{\(messages)\(fields.isEmpty ? "" : ", ")\(fields)}", drawnSeed: drawnSeed)
    }

    static func call(
        _ path: String,
        _ body: String,
        drawnSeed: UInt64 = seed,
        headers: HTTPFields = [:],
        generates: Bool = true
    ) -> ProxiedCall {
        ProxiedCall(
            method: .post,
            path: path,
            headers: headers,
            body: ByteBuffer(string: body),
            generates: generates,
            drawnSeed: drawnSeed
        )
    }

    /// Bodies of every kind of stream.
    static func drawn(_ random: inout SplitMix) -> ProxiedCall {
        func chance(_ text: String) -> [String] { random.next(below: 2) == 0 ? [text] : [] }
        let isChat = random.next(below: 2) == 0
        var fields = ["\"stream\": true", "\"max_tokens\": \(1 + random.next(below: 80))"]
        fields += chance("\"seed\": \(random.next(below: 1000))")
        fields += chance("\"return_token_ids\": true")
        fields += chance("\"stream_options\": {\"include_usage\": true}")
        fields += chance("\"n\": \(1 + random.next(below: 3))")
        fields += chance("\"stop\": [\"[7]\", \"€ \"]")
        fields += chance("\"sse_ping_interval\": \(1 + random.next(below: 3))")
        if random.next(below: 3) == 0 {
            fields.append(isChat ? "\"logprobs\": true, \"top_logprobs\": 2" : "\"logprobs\": 1")
        }
        let seed = random.next() >> 20
        if isChat, random.next(below: 2) == 0 {
            fields.append("\"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"f\"}}]")
            fields += chance("\"parallel_tool_calls\": false")
            fields += chance("\"stream_options\": {\"include_usage\": true, \"continuous_usage_stats\": true}")
        }
        if isChat { return chat(fields.joined(separator: ", "), drawnSeed: seed) }
        fields += chance("\"echo\": true")
        fields.append(
            ["\"prompt\": \"abc\"", "\"prompt\": [\"a\", \"bc\"]", "\"prompt\": [5, 6, 7]"][random.next(below: 3)]
        )
        return completion(fields.joined(separator: ", "), drawnSeed: seed)
    }
}
