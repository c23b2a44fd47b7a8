package import PacelineSpeculation

/// What a request's client sees, in order: `.prompt` if it was asked for, any number of `.tokens`, then exactly one of
/// the other two.
package enum RequestEvent: Sendable {
    /// The prompt's log-probabilities: one for each token after the first. Never of a request that was resumed.
    case prompt([TokenLogProbability])
    case tokens(GeneratedTokens)
    case finished(RequestSummary)
    case failed(RequestFault)

    /// Whether nothing follows.
    package var isLast: Bool {
        switch self {
        case .prompt, .tokens: false
        case .finished, .failed: true
        }
    }
}

/// The tokens of one commit, or of several that a client had not taken yet.
package struct GeneratedTokens: Sendable, Equatable {
    package var tokens: [Token]
    /// The text that became certain with them.
    package var text: String
    /// One for each token; empty if the client did not ask.
    package var logProbabilities: [TokenLogProbability]

    package init(_ tokens: [Token], text: String, logProbabilities: [TokenLogProbability] = []) {
        self.tokens = tokens
        self.text = text
        self.logProbabilities = logProbabilities
    }

    /// Adds what came after.
    mutating func append(_ later: GeneratedTokens) {
        tokens += later.tokens
        text += later.text
        logProbabilities += later.logProbabilities
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
    /// Those of them whose keys and values were in the cache already.
    package var cachedTokens = 0
    /// Tokens that were generated, those that the request went on behind included.
    package var completionTokens: Int
    /// From submission to admission, in milliseconds.
    package var queueMilliseconds = 0.0
    /// From admission to the pass that computed the first token, in milliseconds; waiting in the queue not counted.
    package var promptMilliseconds: Double
    /// From the first token to the last, in milliseconds.
    package var predictedMilliseconds: Double
    /// Verdicts, those of plain decoding included.
    package var rounds: Int
    package var speculation: AcceptanceStatistics
    /// Nodes from the client's prediction that were verified.
    package var predictionDrafted = 0
    /// Those of them that were accepted.
    package var predictionAccepted = 0
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
