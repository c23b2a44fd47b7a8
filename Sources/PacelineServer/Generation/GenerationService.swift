import Glibc
package import Logging
import PacelineChat
import PacelineCluster
import PacelineSpeculation

/// Runs the generations of a request at once and writes what they give, whole or in a stream.
package struct GenerationService: Sendable {
    /// How long a stream may be silent, unless a request says otherwise.
    static let pingInterval = Duration.seconds(10)

    package let model: ServedModel
    package let backend: any GenerationBackend
    let logger: Logger

    package init(model: ServedModel, backend: any GenerationBackend, logger: Logger) {
        self.model = model
        self.backend = backend
        self.logger = logger
    }

    /// Logs the fields of a request that mean nothing here.
    func log(_ record: FieldRecord?, of request: APIRequest) {
        guard let ignored = record?.ignored, !ignored.isEmpty else { return }
        logger.debug("\(request.id): ignored \(ignored.prefix(20).joined(separator: ", "))")
    }

    /// Keeps the names of a request's fields if they are to be logged.
    var record: FieldRecord? { logger.logLevel <= .debug ? FieldRecord() : nil }

    /// Begins the generations of an answer.
    ///
    /// - Parameter tally: counts the tokens for the access log.
    /// - Throws: ``APIError`` if they cannot be served, before anything is sent.
    func answer(
        _ plan: AnswerPlan,
        _ format: some AnswerFormat,
        _ tally: RequestTally
    ) async throws -> APIReply {
        let interval = plan.options.stream.pingInterval ?? Self.pingInterval
        let pings = interval > .zero
        let isStreamed = plan.options.stream.isStreamed
        let run = try await GenerationRun.begin(
            plan.requests,
            on: backend,
            patience: isStreamed && pings ? interval : nil
        )
        var progress = AnswerStream(plan, format, tally)
        guard isStreamed else {
            try await run.forEach { event in
                if case .choice(let choice, let event) = event { _ = try progress.take(event, choice: choice) }
            }
            return .whole(try progress.whole().bytes)
        }
        let begun = progress
        return .events { [logger] writer in
            var progress = begun
            if !run.hasBegun { try await writer.comment() }
            do {
                try await run.forEach(interval: pings ? interval : nil) { event in
                    switch event {
                    case .silence: try await writer.comment()
                    case .choice(let choice, let event):
                        for chunk in try progress.take(event, choice: choice) { try await writer.event(chunk.bytes) }
                        run.sent(event, choice: choice)
                    }
                }
                if let closing = progress.closing { try await writer.event(closing.bytes) }
            } catch let error as APIError {
                logger.notice("\(plan.identity.id) failed: \(error)")
                try await writer.event(JSON.encode(ErrorBody(error)))
            }
            try await writer.event(EventStream.done)
        }
    }
}

extension APIError {
    /// The answer to a client for a verifier's fault.
    init(_ fault: RequestFault) {
        let message = "\(fault)"
        switch fault {
        case .promptTooLong(let tokens, let context): self = .contextExceeded(tokens: tokens, context: context)
        case .invalidSampling(let error): self = .invalidRequest(message, param: error.parameter)
        case .invalidMinimum: self = .invalidRequest(message, param: "min_tokens")
        case .generatedBeyondEnd: self = .invalidRequest(message, param: "resume")
        case .emptyPrompt, .tokenOutOfVocabulary: self = .invalidRequest(message, param: "prompt")
        case .nothingToGenerate: self = .invalidRequest(message, param: "max_tokens")
        case .invalidLogProbabilityCount: self = .invalidRequest(message, param: "logprobs")
        case .overloaded, .tenantOverloaded: self = .overloaded(message, retryAfter: 1)
        case .draining, .cacheFull: self = .unavailable(message, retryAfter: 2)
        case .slowConsumer, .engine: self = .internalError(message)
        }
    }

    /// 400: the prompt leaves no room. Clients know the case by these words and by the code.
    static func contextExceeded(tokens: Int, context: Int, param: String? = nil) -> APIError {
        .invalidRequest(
            "This model's maximum context length is \(context) tokens. However, your prompt has \(tokens) tokens, and "
                + "at least one more must fit; shorten it.",
            param: param,
            code: "context_length_exceeded"
        )
    }
}
