import PacelineCluster
import PacelineModel
import PacelineSpeculation

/// What is to be generated for a request for completions, and how its answer is written.
struct PlannedCompletion {
    let plan: AnswerPlan
    let answer: CompletionAnswer

    /// - Parameters:
    ///   - record: gets the names of the request's fields.
    ///   - start: what the answer gets if the request does not say.
    /// - Throws: ``APIError`` if the request cannot be served.
    init(
        _ request: APIRequest,
        model: ServedModel,
        record: FieldRecord? = nil,
        start: AnswerStart = .now()
    ) throws(APIError) {
        let fields = try RequestFields(body: request.body, record: record)
        let body = try CompletionBody(fields, vocabularySize: model.tokenizer.tokenCount)
        var prompts: [[Token]] = []
        for prompt in body.prompts { prompts.append(try Self.tokens(of: prompt, body, model)) }
        var plan = try AnswerPlan(
            body.options,
            AnswerPlan.Prompts(field: "prompt", tokens: prompts),
            logProbabilities: body.logProbabilities.map { LogProbabilityRequest(top: $0, includesPrompt: body.echoes) },
            kind: "cmpl",
            of: request,
            model: model,
            name: body.model,
            start: start
        )
        plan.generatesNothing = body.generatesNothing
        self.plan = plan
        answer = CompletionAnswer(plan, body, prompts: prompts, model: model)
    }

    private static func tokens(
        of prompt: CompletionPrompt,
        _ body: CompletionBody,
        _ model: ServedModel
    ) throws(APIError) -> [Token] {
        let tokenizer = model.tokenizer
        guard let suffix = body.suffix else {
            return switch prompt {
            case .text(let text): tokenizer.encode(text, addBOS: body.addsSpecial && tokenizer.prefersBOS)
            case .tokens(let tokens): tokens
            }
        }
        guard let infill = model.infill else {
            throw .invalidRequest(
                "suffix needs a model that was trained to fill gaps, and this one has no tokens for that",
                param: "suffix"
            )
        }
        guard case .text(let before) = prompt else {
            throw .invalidRequest("suffix needs prompts that are texts, not token ids", param: "suffix")
        }
        return infill.prompt(before: before, after: suffix, tokenizer: tokenizer, addsBOS: body.addsSpecial)
    }
}
