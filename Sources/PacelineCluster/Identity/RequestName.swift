package import Logging
package import PacelineWire

/// What a request is called outside its verifier, so that it can be found in the log of every process.
package struct RequestName: Hashable, Sendable {
    /// The `x-request-id` of the HTTP request; clients may use one several times.
    package var id: String
    /// The `id` of the answer; one of a kind.
    package var answer: String
    /// Which choice of the answer it is, from 0.
    package var choice: Int
    package var trace: TraceContext
    /// When it came, in seconds since 1970.
    package var created: Int

    package init(id: String, answer: String, choice: Int = 0, trace: TraceContext, created: Int) {
        self.id = id
        self.answer = answer
        self.choice = choice
        self.trace = trace
        self.created = created
    }
}

/// The part of a request's name that workers are told.
package struct RequestTag: Hashable, Sendable {
    package var id: String
    package var traceID: TraceID?

    package init(id: String, traceID: TraceID?) {
        (self.id, self.traceID) = (id, traceID)
    }

    /// Nil if the verifier gives the request no name.
    package init?(_ open: Message.Open) {
        self.init(id: open.requestID, traceID: TraceID(bytes: open.traceID))
        guard !id.isEmpty || traceID != nil else { return nil }
    }

    /// What log lines about the request carry.
    package var metadata: Logger.Metadata {
        var metadata: Logger.Metadata = ["id": "\(id.printable)"]
        if let traceID { metadata["trace_id"] = "\(traceID)" }
        return metadata
    }
}

extension RequestName {
    var tag: RequestTag { RequestTag(id: id, traceID: trace.traceID) }
}
