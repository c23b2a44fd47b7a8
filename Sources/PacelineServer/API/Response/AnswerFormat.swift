import PacelineChat
import PacelineCluster
import PacelineSpeculation

/// What a generation added to a choice.
struct ChoicePiece: Sendable {
    /// Text of the thoughts, which come before everything else.
    var reasoning = ""
    /// Text and calls, in order.
    var parts: [AnswerPart] = []
    var tokens: [Token] = []
    var logProbabilities: [TokenLogProbability] = []

    /// Text of the answer.
    var content: String { parts.content }

    var isEmpty: Bool { reasoning.isEmpty && parts.isEmpty }

    /// Adds what came after.
    mutating func append(_ later: ChoicePiece) {
        for part in later.parts { parts.add(part) }
        reasoning += later.reasoning
        tokens += later.tokens
        logProbabilities += later.logProbabilities
    }
}

/// How a choice ended.
struct ChoiceEnding: Sendable {
    var reason: FinishReason
    /// Whether it called tools.
    var hasCalls = false
    /// The stop string that ended it; nil if it was something else.
    var stop: String?

    /// OpenAI's field, and vLLM's beside it where a stop string ended the text.
    var fields: [(name: String, value: JSONValue)] {
        let name: JSONValue = reason == .stop && hasCalls ? "tool_calls" : reason.json
        return [("finish_reason", name)] + (stop.map { [("stop_reason", .string($0))] } ?? [])
    }
}

/// How an endpoint writes an answer: in chunks, or whole. A value per answer, which gets everything in order.
protocol AnswerFormat: Sendable {
    /// The chunk of the prompt's log-probabilities, or of the prompt itself; nil if the answer has no such part.
    mutating func prompt(_ scores: [TokenLogProbability], choice: Int) -> [JSONValue]
    /// The chunks of a piece; none if it adds nothing that the client gets.
    mutating func chunks(_ piece: ChoicePiece, choice: Int) -> [JSONValue]
    /// The chunk that ends a choice.
    func end(_ ending: ChoiceEnding, choice: Int, figures: [(name: String, value: JSONValue)]) -> JSONValue
    /// The chunk behind the last choice, which has no choices.
    func closing(_ figures: [(name: String, value: JSONValue)]) -> JSONValue
    /// The whole answer.
    mutating func whole(
        _ choices: [(piece: ChoicePiece, prompt: [TokenLogProbability], ending: ChoiceEnding)],
        figures: [(name: String, value: JSONValue)]
    ) -> JSONValue
}

extension FinishReason {
    /// OpenAI's name of the reason.
    var json: JSONValue {
        switch self {
        case .stop: "stop"
        case .length, .cancelled: "length"
        }
    }
}
