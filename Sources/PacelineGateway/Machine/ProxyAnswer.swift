package import HTTPTypes
package import NIOCore
import PacelineServer

/// The status and the headers of a replica's answer.
package struct AnswerHead: Sendable, Equatable {
    package var status: HTTPResponse.Status
    package var headers: HTTPFields

    package init(status: HTTPResponse.Status, headers: HTTPFields = [:]) {
        (self.status, self.headers) = (status, headers)
    }

    /// Whether a stream of server-sent events follows.
    var isEventStream: Bool {
        status == .ok && (headers[.contentType] ?? "").hasPrefix("text/event-stream")
    }
}

/// An answer in one piece, as a client gets it.
package struct ProxyAnswer: Sendable, Equatable {
    package var status: HTTPResponse.Status
    /// Those that mean something to clients; the length is not among them.
    package var headers: HTTPFields
    package var body: ByteBuffer

    package init(status: HTTPResponse.Status, headers: HTTPFields, body: ByteBuffer) {
        (self.status, self.headers, self.body) = (status, headers, body)
    }

    /// What a replica answered.
    init(_ head: AnswerHead, _ body: ByteBuffer) {
        var headers = HTTPFields()
        for name in Self.passedOn { headers[name] = head.headers[name] }
        self.init(status: head.status, headers: headers, body: body)
    }

    /// The gateway's own refusal.
    init(_ error: APIError) {
        var headers: HTTPFields = [.contentType: "application/json"]
        headers[.retryAfter] = error.retryAfter.map { "\($0)" }
        // Five strings are always encodable.
        let body = (try? JSON.encode(ErrorBody(error))) ?? []
        self.init(status: error.status, headers: headers, body: ByteBuffer(bytes: body))
    }

    /// Whether it says that the verifier takes no requests at all, and not only that it has no room for this one.
    var saysLeaving: Bool {
        ["loading", "draining"].contains((try? JSON.decode(ErrorBody.self, from: body))?.error.code)
    }

    private static let passedOn: [HTTPField.Name] = [
        .contentType, .retryAfter, .allow, .wwwAuthenticate, .pacelineSeed,
    ]
}

extension APIError {
    static let noReplica = unavailable(
        "no verifier behind this gateway takes requests now; try again in a moment",
        code: "no_verifier",
        retryAfter: 1
    )
    static let tooManyRequests = overloaded(
        "this gateway answers as many requests as it may; try again in a moment",
        retryAfter: 1
    )
    static let tooManyAnswers = overloaded(
        "the answers on their way fill this gateway's memory; try again in a moment, or ask for a stream",
        retryAfter: 1
    )
    static let replicasLost = unavailable(
        "the verifiers that took this request went away; send it again, and the same seed gives the same text",
        code: "verifiers_lost",
        retryAfter: 1
    )
    static let answerTooLong = internalError("the verifier's answer is longer than this gateway passes on")
}
