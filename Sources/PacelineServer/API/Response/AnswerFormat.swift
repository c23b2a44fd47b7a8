import PacelineCluster
import PacelineSpeculation

/// What a generation added to a choice.
struct ChoicePiece: Sendable {
    /// Text of the answer.
    var content = ""
    /// Text of the thoughts.
    var reasoning = ""
    var tokens: [Token] = []
    var logProbabilities: [TokenLogProbability] = []

    /// Adds what came after.
    mutating func append(_ later: ChoicePiece) {
        content += later.content
        reasoning += later.reasoning
        tokens += later.tokens
        logProbabilities += later.logProbabilities
    }
}

/// How an endpoint writes an answer: in chunks, or whole. A value per answer, which gets everything in order.
protocol AnswerFormat: Sendable {
    /// The chunk of the prompt's log-probabilities, or of the prompt itself; nil if the answer has no such part.
    mutating func prompt(_ scores: [TokenLogProbability], choice: Int) -> [JSONValue]
    /// The chunks of a piece; none if it adds nothing that the client gets.
    mutating func chunks(_ piece: ChoicePiece, choice: Int) -> [JSONValue]
    /// The chunk that ends a choice.
    func end(_ reason: FinishReason, choice: Int, figures: [(name: String, value: JSONValue)]) -> JSONValue
    /// The chunk behind the last choice, which has no choices.
    func closing(_ figures: [(name: String, value: JSONValue)]) -> JSONValue
    /// The whole answer.
    mutating func whole(
        _ choices: [(piece: ChoicePiece, prompt: [TokenLogProbability], reason: FinishReason)],
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
