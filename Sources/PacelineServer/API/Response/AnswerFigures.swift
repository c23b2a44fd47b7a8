import PacelineCluster
import PacelineSpeculation

/// What an answer's generations came to, together.
struct AnswerFigures {
    /// The summaries by choice; the choices of one prompt stand together.
    let summaries: [RequestSummary]
    /// The tokens of each choice that came with the request, from an answer that was cut.
    let given: [Int]
    let choicesPerPrompt: Int
    /// Whether the client sent a prediction.
    let hasPrediction: Bool
    /// Whether no generated token is part of the answer.
    var generatesNothing = false

    /// The choices of a prompt share it, so it counts once.
    private var prompts: [RequestSummary] {
        stride(from: 0, to: summaries.count, by: choicesPerPrompt).map { summaries[$0] }
    }

    private var completionTokens: Int {
        generatesNothing ? 0 : summaries.reduce(0) { $0 + $1.completionTokens }
    }

    /// OpenAI's token counts.
    var usage: JSONValue {
        let prompt = prompts.reduce(0) { $0 + $1.promptTokens }
        var fields: [(name: String, value: JSONValue)] = [
            ("prompt_tokens", .int(prompt)),
            ("completion_tokens", .int(completionTokens)),
            ("total_tokens", .int(prompt + completionTokens)),
            ("prompt_tokens_details", ["cached_tokens": .int(prompts.reduce(0) { $0 + $1.cachedTokens })]),
        ]
        if hasPrediction {
            let drafted = summaries.reduce(0) { $0 + $1.predictionDrafted }
            let accepted = summaries.reduce(0) { $0 + $1.predictionAccepted }
            fields.append(
                (
                    "completion_tokens_details",
                    [
                        "accepted_prediction_tokens": .int(accepted),
                        "rejected_prediction_tokens": .int(drafted - accepted),
                    ]
                )
            )
        }
        return .object(fields)
    }

    /// The tokens that were generated for this request: those that an answer was resumed with are not.
    private var predictedTokens: [Int] {
        zip(summaries, given).map { max(0, $0.completionTokens - $1) }
    }

    /// llama.cpp's figures. Choices run at the same time, so their tokens add up and the longest time counts. Those of
    /// a resumed answer are of the part behind the cut.
    var timings: JSONValue {
        let cached = summaries.reduce(0) { $0 + $1.cachedTokens }
        let predicted = summaries.map(\.predictedMilliseconds).max() ?? 0
        let afterFirst = predictedTokens.reduce(0) { $0 + max(0, $1 - 1) }
        return [
            "cache_n": .int(cached),
            "prompt_n": .int(summaries.reduce(0) { $0 + $1.promptTokens } - cached),
            "prompt_ms": .number(summaries.map(\.promptMilliseconds).max() ?? 0),
            "predicted_n": .int(generatesNothing ? 0 : predictedTokens.reduce(0, +)),
            "predicted_ms": .number(predicted),
            "predicted_per_second": .number(predicted > 0 ? Double(afterFirst) / predicted * 1000 : 0),
            "draft_n": .int(summaries.reduce(0) { $0 + $1.speculation.draftedTokens }),
            "draft_n_accepted": .int(summaries.reduce(0) { $0 + $1.speculation.acceptedTokens }),
        ]
    }

    /// vLLM's figures of speculation, and the workers behind them.
    var drafting: [(name: String, value: JSONValue)] {
        let drafts = summaries.reduce(0) { $0 + $1.speculation.drafts }
        let drafted = summaries.reduce(0) { $0 + $1.speculation.draftedTokens }
        let accepted = summaries.reduce(0) { $0 + $1.speculation.acceptedTokens }
        let figures = SpeculationFigures(
            numRounds: summaries.reduce(0) { $0 + $1.rounds },
            numDrafts: drafts,
            numDraftTokens: drafted,
            numAcceptedTokens: accepted
        )
        return [("spec_decode", figures.json), ("workers", .array(contributions.map(\.json)))]
    }

    /// What each worker did for all choices.
    private var contributions: [RequestContribution] {
        var together: [RequestContribution] = []
        for contribution in summaries.flatMap(\.workers) {
            if let place = together.firstIndex(where: { $0.worker == contribution.worker }) {
                together[place].draftTokens += contribution.draftTokens
                together[place].acceptedTokens += contribution.acceptedTokens
            } else {
                together.append(contribution)
            }
        }
        return together
    }
}

extension SpeculationFigures {
    var json: JSONValue {
        [
            "num_rounds": .int(numRounds), "num_drafts": .int(numDrafts), "num_draft_tokens": .int(numDraftTokens),
            "num_accepted_tokens": .int(numAcceptedTokens), "mean_acceptance_length": .number(meanAcceptanceLength),
            "draft_acceptance_rate": .number(draftAcceptanceRate),
        ]
    }
}

extension RequestContribution {
    fileprivate var json: JSONValue {
        [
            "id": .string("\(worker.rawValue)"), "drafter": .string(drafter), "num_draft_tokens": .int(draftTokens),
            "num_accepted_tokens": .int(acceptedTokens),
        ]
    }
}
