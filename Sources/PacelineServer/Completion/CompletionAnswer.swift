import PacelineCluster
import PacelineModel
import PacelineSpeculation

/// Writes an answer of completions.
struct CompletionAnswer: AnswerFormat {
    /// What a choice's text begins with, and how far its tokens have come.
    private struct Choice {
        let prompt: [Token]
        /// The prompt's text if the answer repeats it.
        var echo: String?
        var offsets: TextOffsets
        var hasShownTokens = false
    }

    private let identity: AnswerIdentity
    private let names: TokenNames
    private let hasLogProbabilities: Bool
    private let returnsTokens: Bool
    private var choices: [Choice]

    init(_ plan: AnswerPlan, _ body: CompletionBody, prompts: [[Token]], model: ServedModel) {
        identity = plan.identity
        names = TokenNames(tokenizer: model.tokenizer)
        hasLogProbabilities = body.logProbabilities != nil
        returnsTokens = body.options.returnsTokens
        choices = plan.requests.enumerated().map { place, request in
            let prompt = place / body.options.choices
            var choice = Choice(
                prompt: prompts[prompt],
                echo: body.echoes ? Self.text(of: body.prompts[prompt], model.tokenizer) : nil,
                offsets: TextOffsets(model.tokenizer, beginsText: body.echoes)
            )
            guard plan.hasBegun(place) else { return choice }
            // The client has all of that already.
            (choice.echo, choice.hasShownTokens) = (nil, true)
            for token in (body.echoes ? request.prompt : []) + request.generated { _ = choice.offsets.append(token) }
            return choice
        }
    }

    private static func text(of prompt: CompletionPrompt, _ tokenizer: Tokenizer) -> String {
        switch prompt {
        case .text(let text): return text
        case .tokens(let tokens):
            var detokenizer = IncrementalDetokenizer(tokenizer, beginsText: true)
            // Reading the request has checked that they are in the vocabulary.
            return tokens.map { (try? detokenizer.append($0)) ?? "" }.joined() + detokenizer.finish()
        }
    }

    mutating func prompt(_ scores: [TokenLogProbability], choice: Int) -> [JSONValue] {
        guard let echo = choices[choice].echo else { return [] }
        let logProbabilities = promptLogProbabilities(scores, choice: choice)
        let value = logProbabilities.isEmpty ? .null : logProbabilities.json
        return [chunk(echo, value, ChoicePiece(), choice: choice)]
    }

    /// The prompt's tokens if the answer repeats the prompt and has log-probabilities.
    private mutating func promptLogProbabilities(
        _ scores: [TokenLogProbability],
        choice: Int
    ) -> CompletionLogProbabilities {
        var list = CompletionLogProbabilities()
        guard choices[choice].echo != nil, let first = choices[choice].prompt.first else { return list }
        guard hasLogProbabilities else { return list }
        list.append(first: first, names: names, offset: choices[choice].offsets.append(first))
        for score in scores { list.append(score, names: names, offset: choices[choice].offsets.append(score.token)) }
        return list
    }

    mutating func chunks(_ piece: ChoicePiece, choice: Int) -> [JSONValue] {
        let showsTokens = returnsTokens && !piece.tokens.isEmpty
        guard !piece.content.isEmpty || showsTokens || !piece.logProbabilities.isEmpty else { return [] }
        var list = CompletionLogProbabilities()
        append(piece.logProbabilities, to: &list, choice: choice)
        return [chunk(piece.content, list.isEmpty ? .null : list.json, piece, choice: choice)]
    }

    private mutating func append(
        _ scores: [TokenLogProbability],
        to list: inout CompletionLogProbabilities,
        choice: Int
    ) {
        guard hasLogProbabilities else { return }
        for score in scores { list.append(score, names: names, offset: choices[choice].offsets.append(score.token)) }
    }

    private mutating func chunk(
        _ text: String,
        _ logProbabilities: JSONValue,
        _ piece: ChoicePiece,
        choice: Int
    ) -> JSONValue {
        var fields: [(name: String, value: JSONValue)] = [
            ("index", .int(choice)), ("text", .string(text)), ("logprobs", logProbabilities), ("finish_reason", .null),
        ]
        if returnsTokens {
            fields.append(("token_ids", .tokens(piece.tokens)))
            if !choices[choice].hasShownTokens { fields.append(("prompt_token_ids", .tokens(choices[choice].prompt))) }
            choices[choice].hasShownTokens = true
        }
        return .object(identity.fields("text_completion") + [("choices", [.object(fields)])])
    }

    func end(_ ending: ChoiceEnding, choice: Int, figures: [(name: String, value: JSONValue)]) -> JSONValue {
        let fields: [(name: String, value: JSONValue)] = [("index", .int(choice)), ("text", ""), ("logprobs", .null)]
        let choice = JSONValue.object(fields + ending.fields)
        return .object(identity.fields("text_completion") + [("choices", [choice])] + figures)
    }

    func closing(_ figures: [(name: String, value: JSONValue)]) -> JSONValue {
        .object(identity.fields("text_completion") + [("choices", [])] + figures)
    }

    mutating func whole(
        _ ended: [(piece: ChoicePiece, prompt: [TokenLogProbability], ending: ChoiceEnding)],
        figures: [(name: String, value: JSONValue)]
    ) -> JSONValue {
        var written: [JSONValue] = []
        for (place, choice) in ended.enumerated() {
            var list = promptLogProbabilities(choice.prompt, choice: place)
            append(choice.piece.logProbabilities, to: &list, choice: place)
            var fields: [(name: String, value: JSONValue)] = [
                ("index", .int(place)), ("text", .string((choices[place].echo ?? "") + choice.piece.content)),
                ("logprobs", list.isEmpty ? .null : list.json),
            ]
            fields += choice.ending.fields
            if returnsTokens {
                fields.append(("token_ids", .tokens(choice.piece.tokens)))
                fields.append(("prompt_token_ids", .tokens(choices[place].prompt)))
            }
            written.append(.object(fields))
        }
        return .object(identity.fields("text_completion") + [("choices", .array(written))] + figures)
    }
}
