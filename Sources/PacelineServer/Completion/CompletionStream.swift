package import HTTPTypes
package import NIOCore
package import PacelineCluster

/// A streamed answer to a request for completions, without I/O: the events of its generations go in, the bytes of
/// server-sent events come out.
///
/// ``CompletionService`` writes the same bytes, by tasks that wait for the generations. This is for those who have a
/// clock of their own.
package struct CompletionStream: Sendable {
    /// One for each choice of the answer.
    package let requests: [GenerationRequest]
    /// How long the stream may be silent before it has a ``EventStream/comment``; zero for any time.
    package let pingInterval: Duration
    /// Of the answer's head.
    package let headers: HTTPFields
    private var progress: AnswerStream<CompletionAnswer>

    /// - Parameter start: what the answer gets if the request does not say.
    /// - Throws: ``APIError`` if the request cannot be served, or does not ask for a stream.
    package init(_ request: APIRequest, model: ServedModel, start: AnswerStart) throws(APIError) {
        let planned = try PlannedCompletion(request, model: model, start: start)
        guard planned.plan.options.stream.isStreamed else {
            throw .invalidRequest("the request does not ask for a stream", param: "stream")
        }
        requests = planned.plan.requests
        pingInterval = planned.plan.options.stream.pingInterval ?? GenerationService.pingInterval
        headers = planned.plan.headers + [.contentType: EventStream.contentType]
        progress = AnswerStream(planned.plan, planned.answer, request.tally)
    }

    /// Takes the next event of a choice.
    ///
    /// - Returns: the events that it adds to the stream, each with its empty line.
    /// - Throws: ``APIError`` if the choice failed. Before anything is sent, it is the whole answer; later
    ///   ``ending(_:)`` says it in the stream.
    package mutating func take(_ event: RequestEvent, choice: Int) throws -> [ByteBuffer] {
        try progress.take(event, choice: choice).map { EventStream.event($0.bytes) }
    }

    /// What comes after the last event of all choices.
    package var ending: [ByteBuffer] {
        let closing = progress.closing.map { [EventStream.event($0.bytes)] } ?? []
        return closing + [EventStream.event(EventStream.done)]
    }

    /// What comes after a failure in the middle of the stream.
    package static func ending(_ error: APIError) throws -> [ByteBuffer] {
        [EventStream.event(try JSON.encode(ErrorBody(error))), EventStream.event(EventStream.done)]
    }
}
