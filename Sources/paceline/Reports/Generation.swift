import PacelineCluster
import PacelineServer
import PacelineSpeculation

/// Collects a generation from its chunks.
struct Generation {
    private let showsText: Bool
    private var tokens: [Token] = []
    private var text = ""
    private var reason: FinishReason?
    private var final: Completion?

    init(showsText: Bool) {
        self.showsText = showsText
    }

    /// Takes the next chunk and shows its text at once.
    mutating func take(_ chunk: Completion) throws {
        for choice in chunk.choices {
            tokens += choice.tokens ?? []
            text += choice.text
            reason = choice.finishReason ?? reason
            if showsText { try StandardOutput.write(choice.text) }
        }
        if chunk.usage != nil { final = chunk }
    }

    /// The report, once the last chunk has come.
    func report(loadMS: Double) throws -> GenerationReport {
        guard let final, let reason, let usage = final.usage, var timings = final.timings,
            let speculation = final.specDecode
        else { throw IncompleteGeneration() }
        if showsText { try StandardOutput.write("\n") }
        timings.loadMS = loadMS
        return GenerationReport(
            text: text,
            tokens: tokens,
            finishReason: reason,
            usage: usage,
            timings: timings,
            specDecode: speculation,
            workers: final.workers ?? []
        )
    }
}

/// The verifier ended the stream before the final chunk with its figures.
struct IncompleteGeneration: Error, CustomStringConvertible {
    var description: String { "the verifier ended the text without saying why; try again with --log-level debug" }
}

/// What `generate --json` prints.
struct GenerationReport: Encodable {
    var text: String
    var tokens: [Token]
    var finishReason: FinishReason
    var usage: TokenUsage
    var timings: GenerationTimings
    var specDecode: SpeculationFigures
    var workers: [WorkerContribution]

    enum CodingKeys: String, CodingKey {
        case text, tokens, usage, timings, workers
        case finishReason = "finish_reason"
        case specDecode = "spec_decode"
    }

    /// The figures in one or two lines, for people.
    var summary: String {
        let seconds = (timings.promptMS + timings.predictedMS) / 1000
        let tokens = usage.completionTokens == 1 ? "1 token" : "\(usage.completionTokens) tokens"
        var text = "\(tokens) in \(seconds.formatted(decimals: 2)) s "
        text += "(\(timings.predictedPerSecond.formatted(decimals: 1)) tokens/s after the first)\n"
        guard specDecode.numDrafts > 0 else { return text }
        text += "mean acceptance length \(specDecode.meanAcceptanceLength.formatted(decimals: 2)), "
        text += "\((specDecode.draftAcceptanceRate * 100).formatted(decimals: 0)) % of "
        return text + "\(specDecode.numDraftTokens) drafted tokens accepted, \(workers.count) workers\n"
    }
}
