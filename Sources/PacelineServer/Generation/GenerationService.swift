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
    private let compilations = CompilationQueue()

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
        _ planned: AnswerPlan,
        _ format: some AnswerFormat,
        _ tally: RequestTally
    ) async throws -> APIReply {
        let plan = try await constrained(planned)
        let stream = plan.options.stream
        let interval = stream.pingInterval ?? Self.pingInterval
        let silence = stream.isStreamed && interval > .zero ? interval : nil
        let run = try await GenerationRun.begin(plan.requests, on: backend, patience: silence)
        let progress = AnswerStream(plan, format, tally)
        guard stream.isStreamed else {
            return .whole(try await Self.whole(run, progress).bytes, headers: plan.headers)
        }
        return .events(headers: plan.headers) { [logger] writer in
            do {
                try await Self.write(run, progress, silence: silence, to: writer)
            } catch let error as APIError {
                logger.notice("\(plan.identity.id) failed: \(error)")
                try await writer.event(JSON.encode(ErrorBody(error)))
            }
            try await writer.event(EventStream.done)
        }
    }

    /// Has what the text must be compiled.
    private func constrained(_ planned: AnswerPlan) async throws -> AnswerPlan {
        guard let pending = planned.pending, let first = planned.requests.first else { return planned }
        var plan = planned
        plan.hold(to: try await compilations.perform(for: first.tenant) { try pending.compile() })
        return plan
    }

    /// The answer in one piece, once all generations have ended.
    private static func whole(_ run: GenerationRun, _ begun: AnswerStream<some AnswerFormat>) async throws -> JSONValue
    {
        var progress = begun
        try await run.forEach { event in
            if case .choice(let choice, let event) = event { _ = try progress.take(event, choice: choice) }
        }
        return try progress.whole()
    }

    /// Writes a stream up to the mark of its end.
    ///
    /// - Parameter silence: how long it may be silent; nil for any time.
    private static func write(
        _ run: GenerationRun,
        _ begun: AnswerStream<some AnswerFormat>,
        silence: Duration?,
        to writer: EventWriter
    ) async throws {
        var progress = begun
        if !run.hasBegun { try await writer.comment() }
        var lastWrite = ContinuousClock.now
        try await run.forEach(interval: silence) { event in
            switch event {
            case .silence: try await writer.comment()
            case .choice(let choice, let event):
                let chunks = try progress.take(event, choice: choice)
                for chunk in chunks { try await writer.event(chunk.bytes) }
                // Tokens may come for long without anything to send, as those of a call that is not whole yet.
                let isSilent = chunks.isEmpty && silence.map { lastWrite.duration(to: .now) >= $0 } == true
                if isSilent { try await writer.comment() }
                if isSilent || !chunks.isEmpty { lastWrite = .now }
                run.sent(event, choice: choice)
            }
        }
        if let closing = progress.closing { try await writer.event(closing.bytes) }
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
