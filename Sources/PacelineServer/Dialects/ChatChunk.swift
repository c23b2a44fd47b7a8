import PacelineChat

/// What a chunk of a chat's stream says, or its whole answer: read from the JSON that clients of chat get.
struct ChatChunk: Sendable {
    /// A call of a tool, or a part of one.
    struct Call: Sendable {
        let index: Int
        let id: String?
        let name: String?
        let arguments: String
    }

    struct Usage: Sendable {
        let prompt: Int
        let completion: Int
        let cached: Int
    }

    let id: String
    let created: Int
    let model: String
    private(set) var reasoning = ""
    private(set) var content = ""
    private(set) var calls: [Call] = []
    /// Why the answer ended: `stop`, `length` or `tool_calls`; nil before its end.
    private(set) var finish: String?
    /// The stop string that ended it.
    private(set) var stop: String?
    private(set) var usage: Usage?

    /// - Returns: nil for something else, such as an error.
    init?(_ json: [UInt8]) {
        guard let text = String(validating: json, as: UTF8.self),
            case .mapping(let chunk)? = try? JSONReader.read(text),
            let id = chunk["id"]?.string, case .list(let choices)? = chunk["choices"]
        else { return nil }
        self.id = id
        created = chunk["created"]?.wholeNumber ?? 0
        model = chunk["model"]?.string ?? ""
        if case .mapping(let usage)? = chunk["usage"] { self.usage = Usage(usage) }
        guard case .mapping(let choice)? = choices.values.first else { return }
        finish = choice["finish_reason"]?.string
        stop = choice["stop_reason"]?.string
        guard case .mapping(let message)? = choice["delta"] ?? choice["message"] else { return }
        reasoning = message["reasoning_content"]?.string ?? ""
        content = message["content"]?.string ?? ""
        guard case .list(let list)? = message["tool_calls"] else { return }
        for (place, item) in list.values.enumerated() {
            if case .mapping(let call) = item { calls.append(Call(call, place)) }
        }
    }
}

extension ChatChunk.Call {
    /// - Parameter place: stands for the index where there is none, as in whole answers.
    fileprivate init(_ call: TemplateMapping, _ place: Int) {
        var function = TemplateMapping()
        if case .mapping(let mapping)? = call["function"] { function = mapping }
        self.init(
            index: call["index"]?.wholeNumber ?? place,
            id: call["id"]?.string,
            name: function["name"]?.string,
            arguments: function["arguments"]?.string ?? ""
        )
    }
}

extension ChatChunk.Usage {
    fileprivate init(_ usage: TemplateMapping) {
        var details = TemplateMapping()
        if case .mapping(let mapping)? = usage["prompt_tokens_details"] { details = mapping }
        self.init(
            prompt: usage["prompt_tokens"]?.wholeNumber ?? 0,
            completion: usage["completion_tokens"]?.wholeNumber ?? 0,
            cached: details["cached_tokens"]?.wholeNumber ?? 0
        )
    }
}

extension TemplateValue {
    /// The text of a string; nil for another value.
    var string: String? {
        if case .text(let text) = self { text.string } else { nil }
    }
}
