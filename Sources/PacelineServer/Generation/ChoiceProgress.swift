import PacelineChat
import PacelineCluster
import PacelineModel
import PacelineSpeculation

/// One choice on its way: separates thoughts and calls from the text, and adds up what came for an answer in one piece.
struct ChoiceProgress: Sendable {
    private var splitter: AnswerSplitter
    /// Reads the tokens once more to know which stop string ended them; nil where there are none.
    private var text: CompletionText?
    private var count = 0
    private let request: GenerationRequest
    /// Whether nothing is kept, because everything is sent at once.
    private let isStreamed: Bool
    /// Everything that came, if it is kept.
    private(set) var whole = ChoicePiece()
    private(set) var prompt: [TokenLogProbability] = []
    private(set) var summary: RequestSummary?
    /// Whether the part of the answer that shows the prompt has been made.
    var hasShownPrompt = false

    /// - Parameters:
    ///   - choice: which of the plan's.
    init(_ plan: AnswerPlan, choice: Int) {
        splitter = plan.splitter
        isStreamed = plan.options.stream.isStreamed
        request = plan.requests[choice]
        if !plan.options.stops.isEmpty { text = request.text as? CompletionText }
        _ = splitter.append(plan.given[choice])
        read(request.generated)
    }

    private mutating func read(_ tokens: [Token]) {
        guard var text else { return }
        for token in tokens where text.stop == nil {
            count += 1
            if request.stopTokens.contains(token) {
                _ = text.finish(at: token)
            } else {
                _ = text.append(token, mayStop: count > request.minimumTokens)
            }
        }
        self.text = text
    }

    /// How the choice ended; nil before.
    var ending: ChoiceEnding? {
        summary.map { summary in
            let stop = summary.reason == .stop ? text?.stop : nil
            return ChoiceEnding(reason: summary.reason, hasCalls: splitter.hasCalls, stop: stop)
        }
    }

    /// Takes an event and returns what it adds.
    mutating func take(_ event: RequestEvent) throws -> ChoicePiece {
        var piece = ChoicePiece()
        switch event {
        case .prompt(let scores): prompt = scores
        case .tokens(let generated):
            piece.tokens = generated.tokens
            piece.logProbabilities = generated.logProbabilities
            (piece.reasoning, piece.parts) = splitter.append(generated.text)
            read(generated.tokens)
        case .finished(let summary):
            guard summary.reason != .cancelled else {
                throw APIError.unavailable("the verifier ended the request; send it again", retryAfter: 1)
            }
            self.summary = summary
            (piece.reasoning, piece.parts) = splitter.finish()
        case .failed(let fault): throw APIError(fault)
        }
        if !isStreamed { whole.append(piece) }
        return piece
    }
}
