import HTTPTypes
import NIOCore

/// Writes an answer of the Responses API.
struct ResponsesAnswer: DialectAnswer {
    private let request: ResponsesRequest
    private var blocks = AnswerBlocks()
    /// The first chunk, which names the answer; nil before it.
    private var first: ChatChunk?
    private var last: (reason: String, usage: ChatChunk.Usage?) = ("stop", nil)
    /// Events that have been made.
    private var count = 0

    init(_ request: ResponsesRequest) {
        self.request = request
    }

    var body: JSONValue { request.chat.json }
    var ping: ByteBuffer { EventStream.comment }

    var names: FieldNames { .responses }

    static func error(_ error: ErrorBody.Detail, status _: HTTPResponse.Status) -> JSONValue { .error(error) }

    func whole(_ answer: ChatChunk) -> JSONValue {
        var whole = self
        whole.first = answer
        _ = whole.blocks.take(answer)
        _ = whole.blocks.finish()
        whole.last = (answer.finish ?? "stop", answer.usage)
        if whole.blocks.closed.isEmpty { _ = whole.blocks.addEmptyText() }
        return whole.response(whole.status, output: whole.blocks.closed)
    }

    // MARK: Streams

    mutating func take(_ chunk: ChatChunk) -> [NamedEvent] {
        var events: [NamedEvent] = []
        if first == nil {
            first = chunk
            for name in ["created", "in_progress"] {
                events.append(event("response.\(name)", [("response", response("in_progress", output: []))]))
            }
        }
        for event in blocks.take(chunk) { events += write(event) }
        if let reason = chunk.finish { last.reason = reason }
        if let usage = chunk.usage { last.usage = usage }
        return events
    }

    mutating func finish() -> [NamedEvent] {
        var events = blocks.finish().flatMap { write($0) }
        // There is always a message where nothing else is.
        if blocks.closed.isEmpty { events += blocks.addEmptyText().flatMap { write($0) } }
        return events + [event("response.\(status)", [("response", response(status, output: blocks.closed))])]
    }

    mutating func fail(_ error: ErrorBody.Detail) -> [NamedEvent] {
        let fields: [(name: String, value: JSONValue)] = [
            ("code", error.code.map { .string($0) } ?? .string(error.type)), ("message", .string(error.message)),
            ("param", error.param.map { .string($0) } ?? .null),
        ]
        var failed = [event("error", fields)]
        if first != nil {
            let detail: JSONValue = ["code": "server_error", "message": .string(error.message)]
            failed.append(
                event("response.failed", [("response", response("failed", output: blocks.closed, error: detail))])
            )
        }
        return failed
    }

    private mutating func event(_ name: String, _ fields: [(name: String, value: JSONValue)]) -> NamedEvent {
        defer { count += 1 }
        let start: [(name: String, value: JSONValue)] = [("type", .string(name)), ("sequence_number", .int(count))]
        return NamedEvent(name: name, data: .object(start + fields))
    }

    private mutating func write(_ event: AnswerBlocks.Event) -> [NamedEvent] {
        switch event {
        case .open(let block): return open(block)
        case .delta(let block, let text):
            return [self.event("\(kind(block)).delta", place(block) + [("delta", .string(text))] + noScores(block))]
        case .close(let block): return close(block)
        }
    }

    private mutating func open(_ block: AnswerBlock) -> [NamedEvent] {
        let added = event(
            "response.output_item.added",
            [("output_index", .int(block.place)), ("item", item(block, status: "in_progress"))]
        )
        if case .call = block.kind { return [added] }
        return [added, event("response.content_part.added", place(block) + [("part", part(block))])]
    }

    private mutating func close(_ block: AnswerBlock) -> [NamedEvent] {
        var events: [NamedEvent] = []
        if case .call(_, let name) = block.kind {
            let fields: [(name: String, value: JSONValue)] = [
                ("name", .string(name)), ("arguments", .string(block.text)),
            ]
            events.append(event("\(kind(block)).done", place(block) + fields))
        } else {
            events.append(
                event("\(kind(block)).done", place(block) + [("text", .string(block.text))] + noScores(block))
            )
            events.append(event("response.content_part.done", place(block) + [("part", part(block))]))
        }
        let done = item(block, status: self.status)
        return events + [event("response.output_item.done", [("output_index", .int(block.place)), ("item", done)])]
    }

    private func kind(_ block: AnswerBlock) -> String {
        switch block.kind {
        case .reasoning: "response.reasoning_text"
        case .text: "response.output_text"
        case .call: "response.function_call_arguments"
        }
    }

    private func noScores(_ block: AnswerBlock) -> [(name: String, value: JSONValue)] {
        block.kind == .text ? [("logprobs", .array([]))] : []
    }

    private func place(_ block: AnswerBlock) -> [(name: String, value: JSONValue)] {
        let fields: [(name: String, value: JSONValue)] = [
            ("item_id", .string(id(block))), ("output_index", .int(block.place)),
        ]
        if case .call = block.kind { return fields }
        return fields + [("content_index", 0)]
    }

    // MARK: Objects

    private var status: String { last.reason == "length" ? "incomplete" : "completed" }

    /// The answer's name without what chat puts before it.
    private var name: String {
        let id = first?.id ?? ""
        return id.hasPrefix("chatcmpl-") ? String(id.dropFirst("chatcmpl-".count)) : id
    }

    private func id(_ block: AnswerBlock) -> String {
        let prefix =
            switch block.kind {
            case .reasoning: "rs"
            case .text: "msg"
            case .call: "fc"
            }
        return "\(prefix)_\(name)_\(block.place)"
    }

    private func part(_ block: AnswerBlock) -> JSONValue {
        guard block.kind == .text else { return ["type": "reasoning_text", "text": .string(block.text)] }
        return ["type": "output_text", "text": .string(block.text), "annotations": [], "logprobs": []]
    }

    private func item(_ block: AnswerBlock, status: String) -> JSONValue {
        let start: [(name: String, value: JSONValue)] = [("id", .string(id(block)))]
        let content: JSONValue = status == "in_progress" ? [] : [part(block)]
        switch block.kind {
        case .reasoning:
            return .object(start + [("type", "reasoning"), ("summary", []), ("content", content)])
        case .text:
            return .object(
                start + [
                    ("type", "message"), ("status", .string(status)), ("role", "assistant"), ("content", content),
                ]
            )
        case .call(let call, let name):
            return .object(
                start + [
                    ("type", "function_call"), ("status", .string(status)), ("call_id", .string(call)),
                    ("name", .string(name)), ("arguments", .string(block.text)),
                ]
            )
        }
    }

    private func response(_ status: String, output: [AnswerBlock], error: JSONValue = .null) -> JSONValue {
        var fields: [(name: String, value: JSONValue)] = [
            ("id", .string("resp_\(name)")), ("object", "response"), ("created_at", .int(first?.created ?? 0)),
            ("status", .string(status)), ("error", error),
            ("incomplete_details", status == "incomplete" ? ["reason": "max_output_tokens"] : .null),
            ("model", .string(first?.model ?? "")),
            ("output", .array(output.map { item($0, status: self.status) })),
        ]
        fields += request.echo
        fields.append(("usage", last.usage.map { usage($0) } ?? .null))
        return .object(fields)
    }

    private func usage(_ usage: ChatChunk.Usage) -> JSONValue {
        [
            "input_tokens": .int(usage.prompt), "input_tokens_details": ["cached_tokens": .int(usage.cached)],
            "output_tokens": .int(usage.completion), "output_tokens_details": ["reasoning_tokens": 0],
            "total_tokens": .int(usage.prompt + usage.completion),
        ]
    }
}

extension JSONValue {
    /// OpenAI's body of an error.
    static func error(_ error: ErrorBody.Detail) -> JSONValue {
        [
            "error": [
                "message": .string(error.message), "type": .string(error.type),
                "param": error.param.map { .string($0) } ?? .null, "code": error.code.map { .string($0) } ?? .null,
            ]
        ]
    }
}
