import PacelineCluster
import PacelineSpeculation

/// An answer on its way: takes the events of all its choices and gives the chunks that they make.
struct AnswerStream<Format: AnswerFormat>: Sendable {
    private let plan: AnswerPlan
    private let tally: RequestTally
    private var format: Format
    private var choices: [ChoiceProgress]
    private var open: Int
    /// Tokens that the choices have so far.
    private var generated: Int

    init(_ plan: AnswerPlan, _ format: Format, _ tally: RequestTally) {
        self.plan = plan
        self.tally = tally
        self.format = format
        choices = plan.requests.indices.map { ChoiceProgress(plan, choice: $0) }
        open = choices.count
        generated = plan.requests.reduce(0) { $0 + $1.generated.count }
    }

    /// Takes the next event of a choice.
    ///
    /// - Returns: the chunks of a stream; nothing of use for a whole answer.
    /// - Throws: ``APIError`` if the choice failed.
    mutating func take(_ event: RequestEvent, choice: Int) throws -> [JSONValue] {
        let piece = try choices[choice].take(event)
        tally.add(tokens: piece.tokens.count)
        generated += piece.tokens.count
        guard plan.options.stream.isStreamed else { return [] }
        var chunks: [JSONValue] = []
        if !choices[choice].hasShownPrompt {
            choices[choice].hasShownPrompt = true
            if !plan.hasBegun(choice) {
                chunks += format.prompt(choices[choice].prompt, choice: choice)
            }
        }
        switch event {
        case .prompt: break
        case .tokens where plan.generatesNothing: break
        case .tokens: chunks += format.chunks(piece, choice: choice)
        case .finished:
            if !piece.isEmpty { chunks += format.chunks(piece, choice: choice) }
            open -= 1
            let isLast = open == 0 && !plan.options.stream.includesUsage
            let figures = isLast ? figures(ofStream: true) : []
            chunks.append(format.end(try ending(of: choice), choice: choice, figures: figures))
        case .failed: break
        }
        guard plan.options.stream.hasContinuousUsage else { return chunks }
        return chunks.map { $0.adding("usage", usageSoFar) }
    }

    private var usageSoFar: JSONValue {
        let prompts = stride(from: 0, to: plan.requests.count, by: plan.options.choices).map {
            plan.requests[$0].prompt
        }
        let prompt = prompts.reduce(0) { $0 + $1.count }
        return [
            "prompt_tokens": .int(prompt), "completion_tokens": .int(generated),
            "total_tokens": .int(prompt + generated),
        ]
    }

    private func ending(of choice: Int) throws -> ChoiceEnding {
        guard let ending = choices[choice].ending else {
            throw APIError.internalError("the verifier ended without an answer; try again")
        }
        return plan.generatesNothing ? ChoiceEnding(reason: .length) : ending
    }

    /// The chunk behind the last choice; nil if the client did not ask for the token counts.
    var closing: JSONValue? {
        plan.options.stream.includesUsage ? format.closing(figures(ofStream: true)) : nil
    }

    /// The whole answer, once all choices have ended.
    mutating func whole() throws -> JSONValue {
        var ended: [(piece: ChoicePiece, prompt: [TokenLogProbability], ending: ChoiceEnding)] = []
        for (place, choice) in choices.enumerated() {
            let ending = try ending(of: place)
            ended.append((plan.generatesNothing ? ChoicePiece() : choice.whole, choice.prompt, ending))
        }
        return format.whole(ended, figures: figures(ofStream: false))
    }

    /// What is said about the whole answer. A stream has the token counts only if the client asked.
    private func figures(ofStream isStream: Bool) -> [(name: String, value: JSONValue)] {
        let figures = AnswerFigures(
            summaries: choices.compactMap(\.summary),
            given: plan.requests.map(\.generated.count),
            choicesPerPrompt: plan.options.choices,
            hasPrediction: plan.options.prediction != nil,
            generatesNothing: plan.generatesNothing
        )
        var fields: [(name: String, value: JSONValue)] = []
        if !isStream || plan.options.stream.includesUsage { fields.append(("usage", figures.usage)) }
        fields.append(("timings", figures.timings))
        fields.append(("seed", .unsigned(plan.seed)))
        return plan.options.returnsDraftFigures ? fields + figures.drafting : fields
    }
}
