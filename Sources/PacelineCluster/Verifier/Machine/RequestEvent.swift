package import PacelineSpeculation

/// What a request's client sees, in order: any number of `.tokens`, then exactly one of the other two.
package enum RequestEvent: Sendable {
    /// The tokens of one commit, and the text that became certain with them.
    case tokens([Token], text: String)
    case finished(RequestSummary)
    case failed(RequestFault)

    /// Whether nothing follows.
    package var isLast: Bool {
        if case .tokens = self { false } else { true }
    }
}

/// Why a request ended although nothing went wrong.
package enum FinishReason: String, Sendable, Equatable {
    /// A stop token or a stop string came.
    case stop
    /// The token limit or the end of the context was reached.
    case length
    /// The client asked for it or went away.
    case cancelled
}

/// A request that ended, in numbers.
package struct RequestSummary: Sendable, Equatable {
    package var reason: FinishReason
    package var promptTokens: Int
    package var completionTokens: Int
    /// From admission to the pass that computed the first token, in milliseconds; waiting in the queue not counted.
    package var promptMilliseconds: Double
    /// From the first token to the last, in milliseconds.
    package var predictedMilliseconds: Double
    /// Verdicts, those of plain decoding included.
    package var rounds: Int
    package var speculation: AcceptanceStatistics
    /// The workers that drafted for it, in the order they connected.
    package var workers: [RequestContribution]
}

/// What one worker did for one request.
package struct RequestContribution: Sendable, Equatable {
    package var worker: LinkID
    package var drafter: String
    /// Nodes of the worker that were verified.
    package var draftTokens = 0
    /// Those of them that were accepted.
    package var acceptedTokens = 0

    package init(worker: LinkID, drafter: String, draftTokens: Int = 0, acceptedTokens: Int = 0) {
        self.worker = worker
        self.drafter = drafter
        self.draftTokens = draftTokens
        self.acceptedTokens = acceptedTokens
    }
}
