import PacelineChat
import PacelineCluster
import PacelineModel
import PacelineSpeculation

/// One choice on its way: separates thoughts from the answer, and adds up what came for an answer in one piece.
struct ChoiceProgress: Sendable {
    private var splitter: ReasoningSplitter?
    /// Whether nothing is kept, because everything is sent at once.
    private let isStreamed: Bool
    /// Everything that came, if it is kept.
    private(set) var whole = ChoicePiece()
    private(set) var prompt: [TokenLogProbability] = []
    private(set) var summary: RequestSummary?
    /// Whether the part of the answer that shows the prompt has been made.
    var hasShownPrompt = false

    /// - Parameters:
    ///   - splitter: at the beginning of the answer; nil to leave the text as it is.
    ///   - given: the text of the tokens that the generation goes on behind.
    init(splitter: ReasoningSplitter?, given: String, isStreamed: Bool) {
        self.splitter = splitter
        self.isStreamed = isStreamed
        _ = self.splitter?.append(given)
    }

    /// Takes an event and returns what it adds.
    mutating func take(_ event: RequestEvent) throws -> ChoicePiece {
        var piece = ChoicePiece()
        switch event {
        case .prompt(let scores): prompt = scores
        case .tokens(let generated):
            piece.tokens = generated.tokens
            piece.logProbabilities = generated.logProbabilities
            if let output = splitter?.append(generated.text) {
                (piece.reasoning, piece.content) = (output.reasoning, output.content)
            } else {
                piece.content = generated.text
            }
        case .finished(let summary):
            guard summary.reason != .cancelled else {
                throw APIError.unavailable("the verifier ended the request; send it again", retryAfter: 1)
            }
            self.summary = summary
            if let output = splitter?.finish() {
                (piece.reasoning, piece.content) = (output.reasoning, output.content)
            }
        case .failed(let fault): throw APIError(fault)
        }
        if !isStreamed { whole.append(piece) }
        return piece
    }
}
