import PacelineModel
import PacelineServer
import PacelineSpeculation
import Synchronization

@testable import PacelineCluster

/// A backend that plays a model which knows one text for each seed, and ends it with the end-of-text token.
///
/// It does what a request asks, as a verifier does: limits, stop tokens and strings, tokens to go on behind,
/// log-probabilities. How many tokens come with one event changes from event to event, as with drafts.
final class TextBackend: GenerationBackend {
    private let tokenizer: Tokenizer
    private let texts: [String]
    /// Tokens of the first, second, … event, from the beginning again after the last.
    private let steps: [Int]
    private let asked = Mutex<[GenerationRequest]>([])

    init(_ tokenizer: Tokenizer, _ texts: [String], steps: [Int] = [1, 3, 2]) {
        self.tokenizer = tokenizer
        self.texts = texts
        self.steps = steps
    }

    var requests: [GenerationRequest] { asked.withLock { $0 } }

    func begin(_ request: GenerationRequest) -> any Generation {
        asked.withLock { $0.append(request) }
        return Run(events(of: request))
    }

    func connectedWorkers() -> [WorkerContribution] { [] }
    func isAlive() -> Bool { true }
    func occupancy() -> Occupancy { Occupancy(running: 2, waiting: 1) }

    private final class Run: Generation {
        private let events: Mutex<[RequestEvent]>

        init(_ events: [RequestEvent]) {
            self.events = Mutex(events.reversed())
        }

        func next() throws -> RequestEvent? {
            try Task.checkCancellation()
            return events.withLock { $0.popLast() }
        }

        func cancel() {
            events.withLock { $0 = [] }
        }
    }

    /// The tokens that the model generates for a request, however many of them it was given.
    func tokens(for request: GenerationRequest) -> [Token] {
        let text = texts[Int(request.sampling.seed % UInt64(texts.count))]
        return tokenizer.encode(text, parseSpecial: false) + [tokenizer.eos ?? 0]
    }

    private func events(of request: GenerationRequest) -> [RequestEvent] {
        var events: [RequestEvent] = []
        if request.logProbabilities?.includesPrompt == true, request.generated.isEmpty {
            events.append(.prompt(request.prompt.dropFirst().map { score($0, request) }))
        }
        var text = request.text
        var taken: [Token] = []
        var waiting = GeneratedTokens([], text: "")
        var reason: FinishReason?
        for token in tokens(for: request) where reason == nil {
            taken.append(token)
            var piece = ""
            let mayStop = taken.count > request.minimumTokens
            if request.stopTokens.contains(token) {
                (piece, reason) = (text?.finish(at: token) ?? "", .stop)
            } else if let (certain, isStopped) = text?.append(token, mayStop: mayStop) {
                (piece, reason) = (certain, isStopped ? .stop : nil)
            }
            if reason == nil, taken.count == request.maximumTokens {
                (piece, reason) = (piece + (text?.finish(at: nil) ?? ""), .length)
            }
            guard taken.count > request.generated.count else { continue }
            waiting.tokens.append(token)
            waiting.text += piece
            if request.logProbabilities != nil { waiting.logProbabilities.append(score(token, request)) }
            if waiting.tokens.count == steps[events.count % steps.count] || reason != nil {
                events.append(.tokens(waiting))
                waiting = GeneratedTokens([], text: "")
            }
        }
        return events + [.finished(summary(request, taken.count, reason ?? .length))]
    }

    private func score(_ token: Token, _ request: GenerationRequest) -> TokenLogProbability {
        let value = -Float(token % 7) / 8
        let top = (0..<UInt32(request.logProbabilities?.top ?? 0)).map { rank in
            Candidate(token: rank == 0 ? token : token + rank, logProbability: value - Float(rank))
        }
        return TokenLogProbability(token: token, logProbability: value, top: top)
    }

    private func summary(_ request: GenerationRequest, _ count: Int, _ reason: FinishReason) -> RequestSummary {
        var statistics = AcceptanceStatistics()
        statistics.record(drafted: 4, accepted: 1)
        var summary = RequestSummary(
            reason: reason,
            promptTokens: request.prompt.count,
            completionTokens: count,
            promptMilliseconds: 10,
            predictedMilliseconds: 4,
            rounds: 2,
            speculation: statistics,
            workers: [
                RequestContribution(worker: LinkID(rawValue: 1), drafter: "ngram", draftTokens: 4, acceptedTokens: 1)
            ]
        )
        summary.cachedTokens = 1
        if !request.prediction.isEmpty { (summary.predictionDrafted, summary.predictionAccepted) = (5, 3) }
        return summary
    }
}
