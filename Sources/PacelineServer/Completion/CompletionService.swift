import Glibc
package import Logging
package import PacelineCluster
import PacelineModel
import PacelineSpeculation

/// Answers `/v1/completions`: turns JSON into a verifier's request, and its events into JSON.
package struct CompletionService: Sendable {
    package let model: ServedModel
    let backend: any GenerationBackend
    private let logger: Logger

    package init(model: ServedModel, backend: any GenerationBackend, logger: Logger) {
        self.model = model
        self.backend = backend
        self.logger = logger
    }

    /// Answers one request.
    package func respond(to request: APIRequest) async throws -> APIReply {
        try JSON.decode(UnsupportedOptions.self, from: request.body).refuse()
        let body = try JSON.decode(CompletionRequest.self, from: request.body)
        let generation = try generationRequest(body)
        let answer = CompletionAnswer(
            id: "cmpl-" + String(UInt64.random(in: .min ... .max), radix: 36),
            created: time(nil),
            model: model.id,
            seed: generation.sampling.seed
        )
        return try await body.stream == true ? stream(generation, answer) : whole(generation, answer)
    }

    /// The request for the verifier; throws ``APIError`` if it cannot be served.
    package func generationRequest(_ body: CompletionRequest) throws(APIError) -> GenerationRequest {
        if let name = body.model, name != model.id {
            throw .notFound("the model \(name) is not served here; use \(model.id)")
        }
        try body.stop?.validate()
        // Below 2^53, so that clients that read JSON numbers as doubles get the same seed.
        let sampling = try body.sampling(
            vocabularySize: model.tokenizer.tokenCount,
            randomSeed: UInt64.random(in: 0..<(1 << 53))
        )
        return GenerationRequest(
            prompt: tokens(of: body.prompt),
            sampling: sampling,
            maximumTokens: body.maxTokens ?? CompletionRequest.defaultMaxTokens,
            stopTokens: body.ignoreEOS == true ? [] : model.tokenizer.endOfGeneration,
            text: CompletionText(tokenizer: model.tokenizer, stops: body.stop?.strings ?? [])
        )
    }

    private func tokens(of prompt: CompletionPrompt) -> [Token] {
        switch prompt {
        case .text(let text): model.tokenizer.encode(text, addBOS: model.tokenizer.prefersBOS)
        case .tokens(let tokens): tokens
        }
    }

    private func whole(_ request: GenerationRequest, _ answer: CompletionAnswer) async throws -> APIReply {
        var tokens: [Token] = []
        var text = ""
        let generation = backend.begin(request)
        defer { generation.cancel() }
        while let event = try await generation.next() {
            switch event {
            case .prompt: break
            case .tokens(let generated):
                tokens += generated.tokens
                text += generated.text
            case .finished(let summary): return try .json(answer.final(summary, tokens: tokens, text: text))
            case .failed(let fault): throw APIError(fault)
            }
        }
        throw APIError.internalError("the verifier ended without an answer; try again")
    }

    /// Sends events as they come. The status line waits for the first event, so that a refusal has its own status.
    private func stream(_ request: GenerationRequest, _ answer: CompletionAnswer) async throws -> APIReply {
        let generation = backend.begin(request)
        let first = try await generation.next()
        if case .failed(let fault)? = first { throw APIError(fault) }
        return .events { [logger] writer in
            defer { generation.cancel() }
            var next = first
            while let event = next {
                switch event {
                case .prompt: break
                case .tokens(let generated):
                    try await writer.event(JSON.encode(answer.chunk(generated.tokens, generated.text)))
                case .finished(let summary):
                    try await writer.event(JSON.encode(answer.final(summary)))
                    try await writer.event(EventStream.done)
                case .failed(let fault):
                    logger.notice("\(answer.id) failed: \(fault)")
                    try await writer.event(JSON.encode(ErrorBody(APIError(fault))))
                }
                next = try await generation.next()
            }
        }
    }
}

extension SpeculationFigures {
    init(_ statistics: AcceptanceStatistics, rounds: Int) {
        self.init(
            numRounds: rounds,
            numDrafts: statistics.drafts,
            numDraftTokens: statistics.draftedTokens,
            numAcceptedTokens: statistics.acceptedTokens
        )
    }
}

extension WorkerContribution {
    init(_ contribution: RequestContribution) {
        self.init(
            id: "\(contribution.worker.rawValue)",
            drafter: contribution.drafter,
            numDraftTokens: contribution.draftTokens,
            numAcceptedTokens: contribution.acceptedTokens
        )
    }
}

extension APIError {
    /// The answer to a client for a verifier's fault.
    init(_ fault: RequestFault) {
        let message = "\(fault)"
        switch fault {
        case .emptyPrompt, .promptTooLong, .tokenOutOfVocabulary, .nothingToGenerate, .invalidSampling, .invalidMinimum,
            .invalidLogProbabilityCount, .generatedBeyondEnd, .unsupported:
            self = .invalidRequest(message)
        case .overloaded, .tenantOverloaded: self = .overloaded(message, retryAfter: 1)
        case .draining, .cacheFull: self = .unavailable(message, retryAfter: 2)
        case .slowConsumer, .engine: self = .internalError(message)
        }
    }
}
