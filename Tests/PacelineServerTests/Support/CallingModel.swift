import Foundation
import HTTPTypes
import NIOCore
import Synchronization
import Testing

@testable import PacelineServer

/// Models that call tools, in whatever text a test gives them.
enum CallingModel {
    /// Shows tools, calls and results as Hermes and Qwen2.5 do.
    static let hermes = """
        {% if tools %}<|im_start|>system\n{{ tools | tojson }}<|im_end|>\n{% endif %}\
        {% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content or '' }}\
        {% for c in m.tool_calls or [] %}\n<tool_call>\n{"name": "{{ c.function.name }}", "arguments": \
        {{ c.function.arguments | tojson }}}\n</tool_call>{% endfor %}<|im_end|>\n{% endfor %}\
        {% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}{# </think> #}
        """

    static let tools = """
        "tools": [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": \
        {"city": {"type": "string"}}}}}, {"type": "function", "function": {"name": "time"}}]
        """

    /// What a model that thinks writes before and with a call.
    static let answer = """
        <think>
        Hm.
        </think>

        Let me see.
        <tool_call>
        {"name": "weather", "arguments": {"city": "Zürich"}}
        </tool_call>
        """

    /// Loaded once: some tests ask it hundreds of times.
    private static let served = Result { try TestModel.served(template: hermes) }

    static func calls(_ text: String, steps: [Int] = [1, 3, 2], template: String = hermes) throws -> APICalls {
        let model = try template == hermes ? served.get() : TestModel.served(template: template)
        return APICalls(model: model, backend: TextBackend(model.tokenizer, [text], steps: steps))
    }
}

extension APICalls {
    /// What another API's route answers, as a verifier has it.
    func dialect(_ path: String, _ body: String) async throws -> APIReply {
        let routes = DialectRoutes.routes(
            chat: { try await self.reply(.chat, bytes: Array($0.body.readableBytesView)) },
            counting: { try await self.reply(.inputTokens, bytes: Array($0.body.readableBytesView)) }
        )
        let route = try RouteTable(routes).matching(.post, path)
        return try await route.handler(APIRequest(id: "test", path: path, body: ByteBuffer(string: body)))
    }

    /// Everything that a stream of another API has sent.
    func dialectText(_ path: String, _ body: String) async throws -> String {
        guard case .events(_, let write) = try await dialect(path, body) else { throw WrongReply() }
        let sent = Mutex("")
        try await write(EventWriter { bytes in sent.withLock { $0 += String(buffer: bytes) } })
        return sent.withLock { $0 }
    }

    /// The events of a stream of another API: each has its name in its data, too.
    func dialectEvents(_ path: String, _ body: String) async throws -> [JSONObject] {
        try await dialectText(path, body).components(separatedBy: "\n\n").dropLast().map { event in
            let lines = event.split(separator: "\n", maxSplits: 1)
            let data = try JSONObject(String(try #require(lines.last).dropFirst("data: ".count)))
            #expect(lines.first == "event: \(data["type"].string ?? "")", "\(event)")
            return data
        }
    }
}
