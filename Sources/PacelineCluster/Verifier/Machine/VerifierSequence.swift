import PacelineModel
import PacelineSpeculation
import PacelineWire

/// A request at the verifier: its tokens and everything that was decided about it.
///
/// This is the state that matters. What is proposed (``TreeBoard``) and what is computed (the engine's cache) can be
/// dropped at any moment and rebuilt from it.
struct VerifierSequence: Sendable {
    private struct Times {
        let submission: Instant
        var admission: Instant?
        var firstToken: Instant?
        var lastToken: Instant?
    }

    let request: RequestID
    /// What others call it; nil if nobody does.
    let name: RequestName?
    let tenant: Tenant
    let cacheSalt: String?
    let sampling: SamplingParameters
    let promptLength: Int
    /// Tokens that the sequence may hold, prompt included.
    let lengthLimit: Int
    private let stopTokens: Set<Token>
    private let constraint: Constraint?
    private let minimumTokens: Int
    /// Drafted nodes of one round at most; nil for no limit.
    private let draftLimit: Int?
    private let scoring: LogProbabilityRequest?
    /// What is known of the prompt's log-probabilities; nil if nobody wants them, or they have been taken.
    private var promptScores: [TokenLogProbability]?
    private var text: (any TextAssembling)?

    private(set) var history: BaseHistory
    /// Tokens of the base that the engine has in its cache.
    private(set) var computed = 0
    /// Those of them that were in the cache before.
    private var reused = 0
    private(set) var finish: FinishReason?
    private var board: TreeBoard
    /// What the target computed of committed tokens; empty while no worker reads any.
    var features = FeatureWindow()
    /// Nil if its client expects nothing.
    private var prediction: Prediction?
    private var statistics = AcceptanceStatistics()
    /// Verdicts so far.
    private var rounds = 0
    private var times: Times

    /// Takes the tokens that were generated before as plain decoding would have, which may end the request.
    ///
    /// - Parameter treeLimits: bounds on any tree that is drafted for it.
    /// - Throws: ``RequestFault/generatedBeyondEnd(tokens:end:)``.
    init(
        _ id: RequestID,
        request: GenerationRequest,
        lengthLimit: Int,
        treeLimits: TreeLimits,
        now: Instant
    ) throws(RequestFault) {
        self.request = id
        name = request.name
        tenant = request.tenant
        cacheSalt = request.cacheSalt
        sampling = request.sampling
        promptLength = request.prompt.count
        self.lengthLimit = lengthLimit
        stopTokens = request.stopTokens
        constraint = request.constraint
        minimumTokens = request.minimumTokens
        draftLimit = request.draftLimit.map { max(0, $0) }
        scoring = request.logProbabilities
        // A client that goes on has them.
        if scoring?.includesPrompt ?? false, request.generated.isEmpty { promptScores = [] }
        text = request.text
        history = BaseHistory(base: request.prompt + request.generated)
        board = TreeBoard(limits: treeLimits)
        if !request.prediction.isEmpty {
            prediction = Prediction(request.prediction, generated: request.generated, limits: treeLimits)
        }
        times = Times(submission: now)
        for (index, token) in request.generated.enumerated() {
            guard finish == nil else { throw .generatedBeyondEnd(tokens: request.generated.count, end: index) }
            _ = take(token, length: promptLength + index + 1)
        }
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

    /// The length up to which no stop counts, prompt included.
    private var shortestLength: Int {
        promptLength + minimumTokens - (PlantedBug.minimumOffByOne.isPlanted ? 1 : 0)
    }

    /// Whether any worker may draft for it.
    var isDraftable: Bool {
        draftLimit != 0
    }

    /// What the engine needs to make room for it, but for its scope.
    var opening: Pass.Opening {
        var opening = Pass.Opening(request: request, base: base, sampling: sampling, lengthLimit: lengthLimit)
        if minimumTokens > 0 { opening.mask = TokenMask(stopTokens, below: shortestLength) }
        (opening.constraint, opening.promptLength) = (constraint, promptLength)
        opening.logProbabilities = scoring
        opening.logProbabilities?.includesPrompt = promptScores != nil
        return opening
    }

    /// What drafters may know of the text's law; nil if every text is legal.
    var draftConstraint: DraftConstraint? { constraint?.draft(promptLength: promptLength) }

    /// The request has a slot.
    mutating func admit(now: Instant) {
        times.admission = now
    }

    /// The engine has more tokens of the base in its cache: `count` that it computed, and `reused` that it had.
    mutating func prefilled(_ count: Int, reused: Int, logProbabilities: [TokenLogProbability]) {
        computed += PlantedBug.reusedPrefillUncounted.isPlanted ? count : count + reused
        self.reused += reused
        promptScores? += logProbabilities
    }

    /// The prompt's log-probabilities, once, when all of them are known and its client wants them.
    mutating func takePromptScores() -> [TokenLogProbability]? {
        guard prefillLeft == 0 else { return nil }
        defer { if !PlantedBug.promptScoresRepeated.isPlanted { promptScores = nil } }
        return promptScores
    }

    /// Takes nodes that a worker streamed.
    ///
    /// - Parameter ceiling: the most nodes that the worker may have outstanding.
    mutating func receive(_ tree: Message.Tree, from worker: LinkID, ceiling: Int) -> TreeBoard.Receipt {
        let history = history
        return board.receive(tree, from: worker, ceiling: ceiling) { history.committed(since: $0) }
    }

    /// Forgets what a worker has proposed.
    mutating func drop(_ worker: LinkID) {
        board.drop(worker)
    }

    /// Whether a worker will add nothing before the next verdict.
    func isExhausted(_ worker: LinkID, credit: Int) -> Bool {
        board.isExhausted(worker, credit: credit)
    }

    /// The largest tree that a worker has sent, from its own root on.
    var largestTree: (worker: LinkID, nodes: Int)? {
        board.largestTree
    }

    /// A worker's tree below the base.
    mutating func tree(of worker: LinkID) -> TokenTree {
        board.tree(of: worker)
    }

    /// The trees of workers below the base in one.
    ///
    /// - Parameter drafters: in the order of assignment; without a profile where a worker's tree is to be left out.
    mutating func drafts(of drafters: [(worker: LinkID, profile: WorkerProfile?)]) -> MergedTree {
        let merged = board.merged(drafters, prediction: prediction)
        if PlantedBug.draftLimitIgnored.isPlanted { return merged }
        return draftLimit.map { merged.limited(to: $0) } ?? merged
    }

    /// The trees of workers below the base in one, if a proven worker's may be worth its place in a pass; else nil.
    ///
    /// - Parameter price: the least probability of a path that is.
    mutating func drafts(
        of drafters: [(worker: LinkID, profile: WorkerProfile?)],
        ifAbove price: Double
    ) -> MergedTree? {
        board.mayExceed(price, drafters, prediction: prediction) ? drafts(of: drafters) : nil
    }

    /// Appends a verdict's tokens up to the one that ends the request, as plain decoding would.
    ///
    /// - Parameters:
    ///   - logProbabilities: of the verdict's tokens; empty if nobody wants them.
    ///   - tree: what the verdict is about.
    /// - Returns: the tokens that count, and the text that became certain with them.
    mutating func commit(
        _ verdict: Verdict,
        logProbabilities: [TokenLogProbability],
        on tree: MergedTree?,
        now: Instant
    ) -> GeneratedTokens {
        var taken: [Token] = []
        var piece = ""
        let isCut = PlantedBug.correctionDropped.isPlanted && !verdict.accepted.isEmpty
        for token in isCut ? verdict.accepted : verdict.tokens {
            taken.append(token)
            piece += take(token, length: length + taken.count)
            if finish != nil { break }
        }
        rounds += 1
        statistics.record(drafted: tree?.tree.count ?? 0, accepted: verdict.path.count)
        history.commit(taken)
        computed = PlantedBug.cacheLengthForgotten.isPlanted ? length - 2 : length - 1
        board.commit(taken)
        prediction?.commit(taken, verdict, share: tree?.shares(of: verdict)[.prediction] ?? .none)
        if times.firstToken == nil { times.firstToken = now }
        times.lastToken = now
        let isShifted = PlantedBug.logProbabilitiesShifted.isPlanted
        let scores = isShifted ? logProbabilities.dropFirst() + logProbabilities.prefix(1) : logProbabilities[...]
        return GeneratedTokens(
            taken,
            text: piece,
            logProbabilities: Array(scores.prefix(taken.count))
        )
    }

    /// Decides whether a token ends the request that is `length` tokens long with it.
    private mutating func take(_ token: Token, length: Int) -> String {
        let mayStop = length > shortestLength
        if mayStop, stopTokens.contains(token) {
            finish = .stop
            return text?.finish(at: token) ?? ""
        }
        var piece = ""
        if let (certain, isStopped) = text?.append(token, mayStop: mayStop) {
            piece = certain
            if isStopped {
                finish = .stop
                return piece
            }
        }
        if length >= lengthLimit + (PlantedBug.lengthOffByOne.isPlanted ? 1 : 0) {
            finish = PlantedBug.wrongFinishReason.isPlanted ? .stop : .length
            piece += text?.finish(at: nil) ?? ""
        }
        return piece
    }

    /// The request in numbers.
    ///
    /// - Parameter workers: what each of its workers did.
    func summary(_ reason: FinishReason, workers: [RequestContribution]) -> RequestSummary {
        let admission = times.admission ?? times.submission
        let first = times.firstToken ?? admission
        return RequestSummary(
            reason: reason,
            promptTokens: promptLength,
            cachedTokens: min(reused, promptLength),
            completionTokens: length - promptLength,
            queueMilliseconds: (admission - times.submission).inMilliseconds,
            promptMilliseconds: (first - admission).inMilliseconds,
            predictedMilliseconds: ((times.lastToken ?? first) - first).inMilliseconds,
            rounds: rounds,
            speculation: statistics,
            predictionDrafted: prediction?.total.verified ?? 0,
            predictionAccepted: prediction?.total.accepted ?? 0,
            workers: workers
        )
    }
}
