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
        var body = try CompletionBody(fields, vocabularySize: model.tokenizer.tokenCount)
        generations.log(record, of: request)
        // Who only wants to see the prompt asks for no tokens; the pass over the prompt decides one all the same.
        let generatesNothing = body.options.maximumTokens == 0 && body.echoes
        body.options.maximumTokens = generatesNothing ? 1 : body.options.maximumTokens ?? CompletionBody.defaultMaximum
        guard body.options.maximumTokens != 0 else {
            throw APIError.invalidRequest(
                "max_tokens must be at least 1, not 0, unless echo is true",
                param: "max_tokens"
            )
        }
        var prompts: [[Token]] = []
        for prompt in body.prompts { prompts.append(try tokens(of: prompt, body)) }
        let plan = try AnswerPlan(
            body.options,
            prompts: prompts,
            kind: "cmpl",
            prompt: "prompt",
            tenant: request.tenant,
            model: model,
            name: body.model,
            logProbabilities: body.logProbabilities.map { LogProbabilityRequest(top: $0, includesPrompt: body.echoes) },
            generatesNothing: generatesNothing
        )
        return try await generations.answer(plan, CompletionAnswer(plan, body, prompts: prompts, model: model))
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
