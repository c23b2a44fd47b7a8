import PacelineChat
import PacelineCluster
import PacelineModel
import PacelineSpeculation

/// Answers `/v1/completions`.
package struct CompletionService: Sendable {
    private let generations: GenerationService
    private var model: ServedModel { generations.model }

    package init(_ generations: GenerationService) {
        self.generations = generations
    }

    /// `POST /v1/completions`
    ///
    /// - Throws: ``APIError`` if the request cannot be served.
    package func respond(to request: APIRequest) async throws -> APIReply {
        let record = generations.record
        let fields = try RequestFields(body: request.body, record: record)
        let body = try CompletionBody(fields, vocabularySize: model.tokenizer.tokenCount)
        generations.log(record, of: request)
        var prompts: [[Token]] = []
        for prompt in body.prompts { prompts.append(try tokens(of: prompt, body)) }
        var plan = try AnswerPlan(
            body.options,
            AnswerPlan.Prompts(field: "prompt", tokens: prompts),
            logProbabilities: body.logProbabilities.map { LogProbabilityRequest(top: $0, includesPrompt: body.echoes) },
            kind: "cmpl",
            of: request,
            model: model,
            name: body.model
        )
        plan.generatesNothing = body.generatesNothing
        let answer = CompletionAnswer(plan, body, prompts: prompts, model: model)
        return try await generations.answer(plan, answer, request.tally)
    }

    private func tokens(of prompt: CompletionPrompt, _ body: CompletionBody) throws -> [Token] {
        let tokenizer = model.tokenizer
        guard let suffix = body.suffix else {
            return switch prompt {
            case .text(let text): tokenizer.encode(text, addBOS: body.addsSpecial && tokenizer.prefersBOS)
            case .tokens(let tokens): tokens
            }
        }
        guard let infill = model.infill else {
            throw APIError.invalidRequest(
                "suffix needs a model that was trained to fill gaps, and this one has no tokens for that",
                param: "suffix"
            )
        }
        guard case .text(let before) = prompt else {
            throw APIError.invalidRequest("suffix needs prompts that are texts, not token ids", param: "suffix")
        }
        return infill.prompt(before: before, after: suffix, tokenizer: tokenizer, addsBOS: body.addsSpecial)
    }
}
