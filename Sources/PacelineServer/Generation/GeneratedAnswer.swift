package import HTTPTypes
package import NIOCore
package import PacelineCluster

/// An answer to a request for chat or completions, without I/O: the events of its generations go in, the bytes of the
/// answer come out.
///
/// ``GenerationService`` writes the same bytes, by tasks that wait for the generations. This is for those who have a
/// clock of their own.
package struct GeneratedAnswer: Sendable {
    /// One for each choice of the answer.
    package let requests: [GenerationRequest]
    /// Of the answer's head.
    package let headers: HTTPFields
    /// Whether parts are to be sent as they come, and the head before them; otherwise everything comes at the end.
    package let isStreamed: Bool
    /// How long a stream may be silent before it has a ``EventStream/comment``; zero for any time.
    package let pingInterval: Duration
    private var progress: any AnswerProgress

    /// - Parameter start: what the answer gets if the request does not say.
    /// - Throws: ``APIError`` if the request cannot be served.
    package init(_ request: APIRequest, model: ServedModel, start: AnswerStart) throws(APIError) {
        if request.path.hasSuffix("/chat/completions") {
            let chat = try PlannedChat(request, model: model, start: start)
            let plan = try Self.constrained(chat.plan)
            self.init(plan, AnswerStream(plan, chat.answer, request.tally))
        } else {
            let completion = try PlannedCompletion(request, model: model, start: start)
            let plan = try Self.constrained(completion.plan)
            self.init(plan, AnswerStream(plan, completion.answer, request.tally))
        }
    }

    /// Compiles what the text must be at once: there are no other requests to hold up.
    private static func constrained(_ planned: AnswerPlan) throws(APIError) -> AnswerPlan {
        guard let pending = planned.pending else { return planned }
        var plan = planned
        plan.hold(to: try pending.compile())
        return plan
    }

    private init(_ plan: AnswerPlan, _ progress: any AnswerProgress) {
        (requests, self.progress) = (plan.requests, progress)
        isStreamed = plan.options.stream.isStreamed
        let kind = isStreamed ? EventStream.contentType : "application/json"
        headers = plan.headers + [.contentType: kind]
        pingInterval = isStreamed ? plan.options.stream.pingInterval ?? GenerationService.pingInterval : .zero
    }

    /// Takes the next event of a choice.
    ///
    /// - Returns: the events that it adds to a stream, each with its empty line.
    /// - Throws: ``APIError`` if the choice failed. Before anything is sent, it is the whole answer; later
    ///   ``ending(_:)`` says it in the stream.
    package mutating func take(_ event: RequestEvent, choice: Int) throws -> [ByteBuffer] {
        try progress.take(event, choice: choice).map { EventStream.event($0.bytes) }
    }

    /// What comes after the last event of all choices: the end of a stream, or all of another answer.
    package mutating func ending() throws -> [ByteBuffer] {
        guard isStreamed else { return [ByteBuffer(bytes: try progress.whole().bytes)] }
        let closing = progress.closing.map { [EventStream.event($0.bytes)] } ?? []
        return closing + [EventStream.event(EventStream.done)]
    }

    /// What comes after a failure in the middle of a stream.
    package static func ending(_ error: APIError) throws -> [ByteBuffer] {
        [EventStream.event(try JSON.encode(ErrorBody(error))), EventStream.event(EventStream.done)]
    }
}

/// An answer of some format on its way.
private protocol AnswerProgress: Sendable {
    mutating func take(_ event: RequestEvent, choice: Int) throws -> [JSONValue]
    mutating func whole() throws -> JSONValue
    var closing: JSONValue? { get }
}

extension AnswerStream: AnswerProgress {}
