import PacelineChat

/// Cuts the text of an answer into thoughts, what it says, and calls of tools.
///
/// How the text came in pieces makes no difference to what comes out, taken together.
struct AnswerSplitter: Sendable {
    /// nil where thoughts are not separated.
    var reasoning: ReasoningSplitter?
    /// nil where text is nothing but text.
    var calls: ToolCallSplitter?

    init(reasoning: ReasoningSplitter? = nil, calls: ToolCallSplitter? = nil) {
        (self.reasoning, self.calls) = (reasoning, calls)
    }

    /// Whether a call has come.
    var hasCalls: Bool { calls.map { $0.count > 0 } ?? false }

    /// Whether nothing more can come.
    var isFull: Bool { calls?.isFull ?? false }

    mutating func append(_ text: String) -> (reasoning: String, parts: [AnswerPart]) {
        guard let output = reasoning?.append(text) else { return ("", take(text)) }
        return (output.reasoning, take(output.content))
    }

    mutating func finish() -> (reasoning: String, parts: [AnswerPart]) {
        let output = reasoning?.finish() ?? ReasoningSplitter.Output()
        var parts = take(output.content)
        for part in calls?.finish() ?? [] { parts.add(part) }
        return (output.reasoning, parts)
    }

    private mutating func take(_ text: String) -> [AnswerPart] {
        guard !text.isEmpty else { return [] }
        return calls?.append(text) ?? [.content(text)]
    }
}
