package import PacelineMetrics
import PacelineSpeculation

/// Follows requests from submission to their end, and adds up what they took.
struct RequestMeter: Sendable {
    private struct Open: Sendable {
        let promptTokens: Int
        let submission: Instant
        var lastTokens: Instant?
    }

    private(set) var figures: RequestFigures
    private var open: [RequestID: Open] = [:]

    /// - Parameter contextLength: the most tokens of a request.
    init(contextLength: Int) {
        figures = RequestFigures(contextLength: contextLength)
    }

    mutating func submitted(_ id: RequestID, promptTokens: Int, now: Instant) {
        open[id] = Open(promptTokens: promptTokens, submission: now)
    }

    /// The verifier tells the client of `id` something. What follows the last event of a request does not count.
    mutating func emitted(_ event: RequestEvent, of id: RequestID, now: Instant) {
        guard var request = open[id] else { return }
        switch event {
        case .prompt: return
        case .tokens(let generated):
            figures.generationTokens += generated.tokens.count
            if let last = request.lastTokens {
                figures.interTokenLatency.record((now - last).inSeconds)
            } else {
                figures.promptTokens += request.promptTokens
                figures.timeToFirstToken.record((now - request.submission).inSeconds)
            }
            request.lastTokens = now
            open[id] = request
        case .finished(let summary):
            figures.count(summary, latency: (now - request.submission).inSeconds)
            open[id] = nil
        case .failed(let fault):
            figures.failures[fault.kind, default: 0] += 1
            open[id] = nil
        }
    }
}

/// What a verifier's requests took, by vLLM's definitions; times in seconds.
package struct RequestFigures: Sendable, Equatable {
    private static let firstTokenBounds: Histogram.Bounds = [
        0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640,
        2560,
    ]
    private static let tokenBounds: Histogram.Bounds = [
        0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80,
    ]
    private static let requestBounds: Histogram.Bounds = [
        0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680,
    ]

    /// Prompt tokens of requests that got their first token.
    package fileprivate(set) var promptTokens = 0
    /// Tokens that clients were sent.
    package fileprivate(set) var generationTokens = 0
    /// Requests that ended without a fault.
    package fileprivate(set) var finished: [FinishReason: Int] = [:]
    package fileprivate(set) var failures: [RequestFault.Kind: Int] = [:]
    /// From submission to the first token.
    package fileprivate(set) var timeToFirstToken = Histogram(Self.firstTokenBounds)
    /// Between two commits of a request; a commit may bring several tokens.
    package fileprivate(set) var interTokenLatency = Histogram(Self.tokenBounds)

    // Of requests that stopped or reached their length. A client that went away says nothing about the verifier.

    /// From the first token to the last, for each token after the first.
    package fileprivate(set) var timePerOutputToken = Histogram(Self.tokenBounds)
    /// From submission to the last token.
    package fileprivate(set) var latency = Histogram(Self.requestBounds)
    package fileprivate(set) var queueTime = Histogram(Self.requestBounds)
    /// From admission to the first token.
    package fileprivate(set) var prefillTime = Histogram(Self.requestBounds)
    /// From the first token to the last.
    package fileprivate(set) var decodeTime = Histogram(Self.requestBounds)
    package fileprivate(set) var promptLength: Histogram
    package fileprivate(set) var generationLength: Histogram

    package init(contextLength: Int) {
        let tokens = Histogram.Bounds.oneTwoFive(upTo: contextLength)
        (promptLength, generationLength) = (Histogram(tokens), Histogram(tokens))
    }

    fileprivate mutating func count(_ summary: RequestSummary, latency seconds: Double) {
        finished[summary.reason, default: 0] += 1
        guard summary.reason != .cancelled else { return }
        latency.record(seconds)
        queueTime.record(summary.queueMilliseconds / 1e3)
        prefillTime.record(summary.promptMilliseconds / 1e3)
        decodeTime.record(summary.predictedMilliseconds / 1e3)
        promptLength.record(Double(summary.promptTokens))
        generationLength.record(Double(summary.completionTokens))
        guard summary.completionTokens > 1 else { return }
        timePerOutputToken.record(summary.predictedMilliseconds / 1e3 / Double(summary.completionTokens - 1))
    }
}

extension RequestFault {
    /// What a fault says about, for counting.
    package enum Kind: String, Sendable, CaseIterable {
        /// The request cannot be served as it is.
        case invalid
        case overloaded, draining
        case slowConsumer = "slow_consumer"
        case engine
    }

    var kind: Kind {
        switch self {
        case .overloaded, .tenantOverloaded, .cacheFull: .overloaded
        case .draining: .draining
        case .slowConsumer: .slowConsumer
        case .engine: .engine
        default: .invalid
        }
    }
}

extension Duration {
    fileprivate var inSeconds: Double { inMilliseconds / 1e3 }
}
