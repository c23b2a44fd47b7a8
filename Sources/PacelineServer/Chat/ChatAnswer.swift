import PacelineChat
import PacelineCluster
import PacelineSpeculation

/// Writes an answer of chat.
struct ChatAnswer: AnswerFormat {
    let identity: AnswerIdentity
    let names: TokenNames
    let hasLogProbabilities: Bool
    /// The prompt's tokens; nil if the client does not want token ids.
    let promptTokens: [Token]?
    /// Choices whose client knows already who speaks.
    private var begun: Set<Int>
    private var hasBegun: Bool

    /// - Parameter begun: choices that go on with an answer.
    init(
        _ identity: AnswerIdentity,
        names: TokenNames,
        hasLogProbabilities: Bool,
        promptTokens: [Token]?,
        begun: Set<Int> = []
    ) {
        self.identity = identity
        self.names = names
        self.hasLogProbabilities = hasLogProbabilities
        self.promptTokens = promptTokens
        self.begun = begun
        hasBegun = !begun.isEmpty
    }

    /// Chat never shows its prompt.
    mutating func prompt(_: [TokenLogProbability], choice _: Int) -> [JSONValue] { [] }

    /// The first chunk of a choice says who speaks, and comes with its first token. Thoughts, text and calls have
    /// chunks of their own: some clients read only one of them in each.
    mutating func chunks(_ piece: ChoicePiece, choice: Int) -> [JSONValue] {
        var deltas: [JSONValue] = []
        if begun.insert(choice).inserted { deltas.append(["role": "assistant", "content": ""]) }
        let first = deltas.count
        if !piece.reasoning.isEmpty { deltas.append(["reasoning_content": .string(piece.reasoning)]) }
        deltas += piece.parts.map { delta($0, choice: choice) }
        let hasTokens = promptTokens != nil && !piece.tokens.isEmpty
        if deltas.count == first, hasTokens || !piece.logProbabilities.isEmpty { deltas.append(["content": ""]) }
        return deltas.enumerated().map { place, delta in
            // Token ids stand beside the last of their text, so that who has got them has got all of it.
            var shown = ChoicePiece()
            if place == first { shown.logProbabilities = piece.logProbabilities }
            if place == deltas.count - 1 { shown.tokens = piece.tokens }
            return chunk(delta, shown, choice: choice)
        }
    }

    /// Only the first part of a call has its id and name, since clients join what comes again.
    private func delta(_ part: AnswerPart, choice: Int) -> JSONValue {
        switch part {
        case .content(let text): ["content": .string(text)]
        case .call(let index, let name):
            [
                "tool_calls": [
                    [
                        "index": .int(index), "id": .string(identity.callID(index, choice: choice)), "type": "function",
                        "function": ["name": .string(name), "arguments": ""],
                    ]
                ]
            ]
        case .arguments(let index, let text):
            ["tool_calls": [["index": .int(index), "function": ["arguments": .string(text)]]]]
        }
    }

    private mutating func chunk(_ delta: JSONValue, _ piece: ChoicePiece, choice: Int) -> JSONValue {
        var fields: [(name: String, value: JSONValue)] = [
            ("index", .int(choice)), ("delta", delta), ("logprobs", logProbabilities(piece)), ("finish_reason", .null),
        ]
        if promptTokens != nil, !piece.tokens.isEmpty { fields.append(("token_ids", .tokens(piece.tokens))) }
        var chunk = identity.fields("chat.completion.chunk") + [("choices", .array([.object(fields)]))]
        if !hasBegun, let promptTokens { chunk.append(("prompt_token_ids", .tokens(promptTokens))) }
        hasBegun = true
        return .object(chunk)
    }

    private func logProbabilities(_ piece: ChoicePiece) -> JSONValue {
        guard hasLogProbabilities, !piece.logProbabilities.isEmpty else { return .null }
        return .chatLogProbabilities(piece.logProbabilities, names: names)
    }

    func end(_ ending: ChoiceEnding, choice: Int, figures: [(name: String, value: JSONValue)]) -> JSONValue {
        let fields: [(name: String, value: JSONValue)] = [
            ("index", .int(choice)), ("delta", .object([])), ("logprobs", .null),
        ]
        let choice = JSONValue.object(fields + ending.fields)
        return .object(identity.fields("chat.completion.chunk") + [("choices", [choice])] + figures)
    }

    func closing(_ figures: [(name: String, value: JSONValue)]) -> JSONValue {
        .object(identity.fields("chat.completion.chunk") + [("choices", [])] + figures)
    }

    mutating func whole(
        _ choices: [(piece: ChoicePiece, prompt: [TokenLogProbability], ending: ChoiceEnding)],
        figures: [(name: String, value: JSONValue)]
    ) -> JSONValue {
        let written = choices.enumerated().map { place, choice in
            let content = choice.piece.content
            let calls = calls(choice.piece, choice: place)
            var message: [(name: String, value: JSONValue)] = [
                ("role", "assistant"), ("content", content.isEmpty && !calls.isEmpty ? .null : .string(content)),
                ("refusal", .null),
            ]
            if !calls.isEmpty { message.append(("tool_calls", .array(calls))) }
            let reasoning = choice.piece.reasoning
            if !reasoning.isEmpty { message.append(("reasoning_content", .string(reasoning))) }
            var fields: [(name: String, value: JSONValue)] = [
                ("index", .int(place)), ("message", .object(message)), ("logprobs", logProbabilities(choice.piece)),
            ]
            fields += choice.ending.fields
            if promptTokens != nil { fields.append(("token_ids", .tokens(choice.piece.tokens))) }
            return JSONValue.object(fields)
        }
        var answer = identity.fields("chat.completion") + [("choices", .array(written))]
        if let promptTokens { answer.append(("prompt_token_ids", .tokens(promptTokens))) }
        return .object(answer + figures)
    }

    private func calls(_ piece: ChoicePiece, choice: Int) -> [JSONValue] {
        piece.parts.calls.map { call in
            [
                "id": .string(identity.callID(call.index, choice: choice)), "type": "function",
                "function": ["name": .string(call.name), "arguments": .string(call.arguments)],
            ]
        }
    }
}
