import PacelineSpeculation

/// A request at the verifier: its tokens and everything that was decided about it.
///
/// This is the state that matters. What is proposed (``TreeBoard``) and what is computed (the engine's cache) can be
/// dropped at any moment and rebuilt from it.
struct VerifierSequence: Sendable {
    /// Workers that a request's summary lists; those that come after so many are not.
    private static let contributionLimit = 256

    let request: RequestID
    let sampling: SamplingParameters
    let promptLength: Int
    /// Tokens that the sequence may hold, prompt included.
    let lengthLimit: Int
    private let stopTokens: Set<Token>
    private var text: (any TextAssembling)?

    private(set) var history: BaseHistory
    /// Tokens of the base that the engine has in its cache.
    private(set) var computed = 0
    private(set) var finish: FinishReason?
    var board: TreeBoard
    var statistics = AcceptanceStatistics()
    /// Verdicts so far.
    private(set) var rounds = 0
    private var contributions = SortedTable<LinkID, RequestContribution>()
    let admittedAt: Instant
    private(set) var firstTokenAt: Instant?
    private(set) var lastTokenAt: Instant?

    init(_ id: RequestID, request: GenerationRequest, lengthLimit: Int, board: TreeBoard, now: Instant) {
        self.request = id
        sampling = request.sampling
        promptLength = request.prompt.count
        self.lengthLimit = lengthLimit
        stopTokens = request.stopTokens
        text = request.text
        history = BaseHistory(prompt: request.prompt)
        self.board = board
        admittedAt = now
    }

    var base: [Token] { history.tokens }

    /// Committed tokens, prompt included.
    var length: Int { history.tokens.count }

    /// Names the base as it is now.
    var mark: BaseMark { history.mark }

    /// Base tokens to compute before the next token can be decided; the last one is computed by the round itself.
    var prefillLeft: Int {
        length - 1 - computed
    }

    /// Tokens that may still be appended.
    var room: Int {
        lengthLimit - length
    }

    /// Levels of a tree that a verdict may accept: it emits one token more, and the limit must not be passed.
    var verifiableDepth: Int {
        room - 1
    }

    /// What the engine needs to make room for it.
    var opening: Pass.Opening {
        Pass.Opening(request: request, base: base, sampling: sampling, lengthLimit: lengthLimit)
    }

    /// The engine has `count` more tokens of the base in its cache.
    mutating func prefilled(_ count: Int) {
        computed += count
    }

    /// A worker drafts for the sequence from now on.
    mutating func assigned(_ worker: LinkID, drafter: String) {
        guard contributions.count < Self.contributionLimit, !contributions.contains(worker) else { return }
        contributions[worker] = RequestContribution(worker: worker, drafter: drafter)
    }

    /// Counts a worker's part in a verdict.
    mutating func credit(_ share: VerdictShare, to worker: LinkID) {
        _ = contributions.update(worker) { contribution in
            contribution.draftTokens += share.verified
            contribution.acceptedTokens += share.accepted
        }
    }

    /// Appends a verdict's tokens up to the one that ends the request, as plain decoding would.
    ///
    /// - Returns: the tokens that count, and the text that became certain with them.
    mutating func commit(_ verdict: Verdict, now: Instant) -> (tokens: [Token], text: String) {
        var taken: [Token] = []
        var piece = ""
        for token in verdict.tokens {
            taken.append(token)
            piece += take(token, length: length + taken.count)
            if finish != nil { break }
        }
        rounds += 1
        history.commit(taken)
        computed = length - 1
        board.commit(taken)
        if firstTokenAt == nil { firstTokenAt = now }
        lastTokenAt = now
        return (taken, piece)
    }

    /// Decides whether a token ends the request that is `length` tokens long with it.
    private mutating func take(_ token: Token, length: Int) -> String {
        if stopTokens.contains(token) {
            finish = .stop
            return text?.finish(at: token) ?? ""
        }
        var piece = ""
        if let (certain, isStopped) = text?.append(token) {
            piece = certain
            if isStopped {
                finish = .stop
                return piece
            }
        }
        if length >= lengthLimit {
            finish = .length
            piece += text?.finish(at: nil) ?? ""
        }
        return piece
    }

    /// The request in numbers.
    func summary(_ reason: FinishReason) -> RequestSummary {
        let first = firstTokenAt ?? admittedAt
        return RequestSummary(
            reason: reason,
            promptTokens: promptLength,
            completionTokens: length - promptLength,
            promptMilliseconds: (first - admittedAt).inMilliseconds,
            predictedMilliseconds: ((lastTokenAt ?? first) - first).inMilliseconds,
            rounds: rounds,
            speculation: statistics,
            workers: contributions.values
        )
    }
}
