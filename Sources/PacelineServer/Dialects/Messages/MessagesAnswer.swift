import HTTPTypes
import NIOCore

/// Writes an answer of the Messages API.
struct MessagesAnswer: DialectAnswer {
    private let request: MessagesRequest
    private var blocks = AnswerBlocks()
    /// The first chunk, which names the answer; nil before it.
    private var first: ChatChunk?
    private var last = Ending()

    private struct Ending: Sendable {
        var reason = "stop"
        var stop: String?
        var usage: ChatChunk.Usage?
    }

    init(_ request: MessagesRequest) {
        self.request = request
    }

    var body: JSONValue { request.chat.json }

    var names: FieldNames { request.names }

    var ping: ByteBuffer { NamedEvent(name: "ping", data: ["type": "ping"]).bytes }

    static func error(_ error: ErrorBody.Detail, status: HTTPResponse.Status) -> JSONValue {
        MessagesError.body(error, status: status)
    }

    func whole(_ answer: ChatChunk) -> JSONValue {
        var whole = self
        _ = whole.blocks.take(answer)
        _ = whole.blocks.finish()
        whole.note(answer)
        return whole.message(answer, content: whole.blocks.closed.map { Self.content($0) }, isWhole: true)
    }

    private mutating func note(_ chunk: ChatChunk) {
        if let reason = chunk.finish { (last.reason, last.stop) = (reason, chunk.stop) }
        if let usage = chunk.usage { last.usage = usage }
    }

    // MARK: Streams

    mutating func take(_ chunk: ChatChunk) -> [NamedEvent] {
        var events: [NamedEvent] = []
        note(chunk)
        if first == nil {
            first = chunk
            events.append(event("message_start", [("message", message(chunk, content: [], isWhole: false))]))
        }
        return events + blocks.take(chunk).flatMap { write($0) }
    }

    mutating func finish() -> [NamedEvent] {
        let ends = blocks.finish().flatMap { write($0) }
        let delta = event("message_delta", [("delta", .object(ending)), ("usage", usage(isWhole: true))])
        return ends + [delta, event("message_stop", [])]
    }

    mutating func fail(_ error: ErrorBody.Detail) -> [NamedEvent] {
        [NamedEvent(name: "error", data: MessagesError.body(error, status: .internalServerError))]
    }

    private func event(_ name: String, _ fields: [(name: String, value: JSONValue)]) -> NamedEvent {
        NamedEvent(name: name, data: .object([("type", .string(name))] + fields))
    }

    private func write(_ event: AnswerBlocks.Event) -> [NamedEvent] {
        switch event {
        case .open(let block):
            let fields = [("index", JSONValue.int(block.place)), ("content_block", Self.opening(block))]
            return [self.event("content_block_start", fields.map { (name: $0.0, value: $0.1) })]
        case .delta(let block, let text):
            let delta: JSONValue =
                switch block.kind {
                case .reasoning: ["type": "thinking_delta", "thinking": .string(text)]
                case .text: ["type": "text_delta", "text": .string(text)]
                case .call: ["type": "input_json_delta", "partial_json": .string(text)]
                }
            return [self.event("content_block_delta", [("index", .int(block.place)), ("delta", delta)])]
        case .close(let block): return [self.event("content_block_stop", [("index", .int(block.place))])]
        }
    }

    // MARK: Objects

    private static func opening(_ block: AnswerBlock) -> JSONValue {
        switch block.kind {
        case .reasoning: ["type": "thinking", "thinking": "", "signature": ""]
        case .text: ["type": "text", "text": ""]
        case .call(let id, let name):
            ["type": "tool_use", "id": .string(id), "name": .string(name), "input": .object([])]
        }
    }

    private static func content(_ block: AnswerBlock) -> JSONValue {
        switch block.kind {
        case .reasoning: ["type": "thinking", "thinking": .string(block.text), "signature": ""]
        case .text: ["type": "text", "text": .string(block.text)]
        case .call(let id, let name):
            ["type": "tool_use", "id": .string(id), "name": .string(name), "input": .text(block.text)]
        }
    }

    private func message(_ chunk: ChatChunk, content: [JSONValue], isWhole: Bool) -> JSONValue {
        var id = chunk.id
        if id.hasPrefix("chatcmpl-") { id = "msg_" + id.dropFirst("chatcmpl-".count) }
        let fields: [(name: String, value: JSONValue)] = [
            ("id", .string(id)), ("type", "message"), ("role", "assistant"), ("model", .string(chunk.model)),
            ("content", .array(content)),
        ]
        let open: [(name: String, value: JSONValue)] = [("stop_reason", .null), ("stop_sequence", .null)]
        return .object(fields + (isWhole ? ending : open) + [("usage", usage(isWhole: isWhole))])
    }

    private var ending: [(name: String, value: JSONValue)] {
        let reason =
            switch last.reason {
            case "length": "max_tokens"
            case "tool_calls": "tool_use"
            default: last.stop == nil ? "end_turn" : "stop_sequence"
            }
        let stop = reason == "stop_sequence" ? last.stop : nil
        return [("stop_reason", .string(reason)), ("stop_sequence", stop.map { .string($0) } ?? .null)]
    }

    /// Anthropic counts what came from the cache beside the tokens that were read.
    private func usage(isWhole: Bool) -> JSONValue {
        let usage = last.usage
        let cached = isWhole ? usage?.cached ?? 0 : 0
        return [
            "input_tokens": .int((usage?.prompt ?? 0) - cached), "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": .int(cached), "output_tokens": .int(usage?.completion ?? 0),
        ]
    }
}
