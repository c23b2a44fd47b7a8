import PacelineCluster
import PacelineSpeculation

/// Makes the chunks of one answer.
struct CompletionAnswer {
    let id: String
    /// Seconds since 1970.
    let created: Int
    let model: String
    let seed: UInt64

    /// One chunk of a stream.
    func chunk(_ tokens: [Token], _ text: String) -> Completion {
        completion(Completion.Choice(text: text, tokens: tokens))
    }

    /// The last chunk of a stream (without text), or the whole answer.
    func final(
        _ summary: RequestSummary,
        tokens: [Token] = [],
        text: String = ""
    ) -> Completion {
        var completion = completion(Completion.Choice(text: text, tokens: tokens, finishReason: summary.reason))
        let speculation = SpeculationFigures(summary.speculation, rounds: summary.rounds)
        completion.usage = TokenUsage(promptTokens: summary.promptTokens, completionTokens: summary.completionTokens)
        completion.timings = GenerationTimings(
            promptMS: summary.promptMilliseconds,
            predictedMS: summary.predictedMilliseconds,
            completionTokens: summary.completionTokens,
            speculation: speculation
        )
        completion.specDecode = speculation
        completion.workers = summary.workers.map { WorkerContribution($0) }
        return completion
    }

    private func completion(_ choice: Completion.Choice) -> Completion {
        Completion(id: id, created: created, model: model, choices: [choice], seed: seed)
    }
}
