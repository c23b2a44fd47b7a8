import PacelineCluster
import PacelineSpeculation

/// A client of a verifier. It submits its request, does so again if it was refused or its verifier died, and compares
/// what it gets with plain decoding.
final class SimulatedClient: RequestOwner {
    enum Ending: Equatable {
        case finished
        case cancelled
        case tooSlow
        /// As the scenario planned.
        case failed
    }

    /// One submission of the request.
    private struct Attempt {
        let request: RequestID
        /// Tokens that the client has, those from before the attempt included.
        var received: Int
        /// Tokens that wait for a client that does not read.
        var unread = 0
    }

    /// How long a client waits before it tries again, at least.
    private static let retryDelay = Duration.milliseconds(50)
    /// Tokens that may wait for a client that does not read; the production limit is larger and works the same.
    private static let unreadLimit = 4

    let index: Int
    private(set) var ending: Ending?
    private let request: Scenario.Request
    private unowned let verifier: VerifierProcess
    private let context: SimulationContext
    /// What plain decoding emits: the oracle.
    private let plain: [Token]
    /// Tokens that the next attempt goes on behind.
    private var kept: Int
    /// When the latest attempt brought tokens.
    private(set) var commitTimes: [Instant] = []
    /// The present attempt; nil between two.
    private var attempt: Attempt?
    private var isCancelled = false
    private var isOverflowing = false
    /// Whether its verifier has been told, and nothing more may come.
    private var hasLeft = false

    init(_ index: Int, _ request: Scenario.Request, of verifier: VerifierProcess, _ context: SimulationContext) {
        self.index = index
        self.request = request
        self.verifier = verifier
        self.context = context
        plain = MockText.plain(
            prompt: request.prompt,
            seed: request.seed,
            count: request.maximumTokens,
            stops: request.stopTokens,
            minimum: request.minimumTokens,
            isTagged: context.scenario.isTagged
        )
        kept = min(request.generated, plain.count)
        context.timeline.schedule(after: request.start) { [unowned self] in submit() }
        guard let cancel = request.cancel else { return }
        context.timeline.schedule(after: request.start + cancel) { [unowned self] in self.cancel() }
    }

    private var journal: Journal { context.journal }

    var generation: GenerationRequest {
        var generation = GenerationRequest(
            prompt: request.prompt,
            sampling: SamplingParameters(seed: request.seed),
            maximumTokens: request.maximumTokens,
            stopTokens: request.stopTokens
        )
        generation.generated = Array(plain.prefix(kept))
        generation.minimumTokens = request.minimumTokens
        generation.draftLimit = request.draftLimit
        generation.logProbabilities = request.logProbabilities
        generation.prediction = request.prediction
        generation.tenant = request.tenant
        generation.cacheSalt = request.cacheSalt
        return generation
    }

    var name: String { "client \(index)" }
    /// Drafted nodes of one round at most.
    var draftLimit: Int { request.draftLimit ?? .max }

    /// Passes that the request needs at most, if it begins from the start.
    func passes(prefillRows: Int) -> Int {
        plain.count + 2 + request.prompt.count / prefillRows
    }

    // MARK: What the client does

    private func submit() {
        guard ending == nil, attempt == nil else { return }
        guard !isCancelled else { return end(.cancelled) }
        guard !verifier.isDead else { return retry() }
        journal.statistics.requests += 1
        verifier.submit(generation, for: self)
    }

    private func cancel() {
        guard ending == nil else { return }
        isCancelled = true
        guard let attempt else { return }
        journal.count(.cancel)
        let isHeard = verifier.state.isRunning
        verifier.cancel(attempt.request)
        hasLeft = isHeard
    }

    private func retry() {
        let delay = Self.retryDelay + context.timeline.random.duration(below: Self.retryDelay)
        context.timeline.schedule(after: delay) { [unowned self] in submit() }
    }

    private func end(_ ending: Ending) {
        self.ending = ending
        journal.note("ended", from: name, "\(ending)")
    }

    // MARK: What its verifier tells it

    func attemptBegins(as request: RequestID) {
        attempt = Attempt(request: request, received: kept)
        commitTimes = []
    }

    /// The verifier has died: the client sees its connection end, and will try again.
    func loseAttempt() {
        hasLeft = false
        if request.goesOn, let attempt { kept = attempt.received }
        attempt = nil
        retry()
    }

    func receive(_ event: RequestEvent, of request: RequestID) {
        guard var current = attempt, current.request == request else {
            return journal.fail(.stream, "client \(index) got an event of \(request), which it has given up")
        }
        if event.isLast { attempt = nil }
        switch event {
        case .prompt(let scores):
            let isDue = current.received == 0 && (self.request.logProbabilities?.includesPrompt ?? false)
            check(scores, from: 1, of: isDue ? self.request.prompt : [])
        case .tokens(let generated):
            guard !hasLeft, !isOverflowing else {
                return journal.fail(.cancellation, "client \(index) got tokens after it had gone away")
            }
            let (first, text) = (self.request.prompt.count + current.received, self.request.prompt + plain)
            take(generated.tokens, &current)
            let end = min(text.count, first + generated.tokens.count)
            check(generated.logProbabilities, from: first, of: Array(text.prefix(end)))
            attempt = current
            leaveUnread(generated.tokens.count)
        case .finished(let summary): finish(summary, received: current.received)
        case .failed(let fault): fail(fault, received: current.received)
        }
    }

    /// There is one log-probability for each token of a text from `first` on, if they were asked for.
    private func check(_ scores: [TokenLogProbability], from first: Int, of text: [Token]) {
        var due: [TokenLogProbability] = []
        if let top = request.logProbabilities?.top, first < text.count {
            var prefix = MockPrefix(Array(text.prefix(first)), isTagged: context.scenario.isTagged)
            for token in text[first...] {
                due.append(prefix.score(token, top: top))
                prefix.append(token)
            }
        }
        guard scores != due else { return }
        journal.fail(.identity, "client \(index) got other log-probabilities from position \(first) on: \(scores)")
    }

    private func take(_ tokens: [Token], _ attempt: inout Attempt) {
        guard !tokens.isEmpty else { return journal.fail(.stream, "client \(index) got an event without tokens") }
        for token in tokens {
            let position = attempt.received
            guard position < plain.count, plain[position] == token else {
                let due = position < plain.count ? "\(plain[position])" : "the end"
                return journal.fail(
                    .identity,
                    "client \(index) got token \(token) at position \(position) in place of \(due)"
                )
            }
            attempt.received += 1
            journal.statistics.tokens += 1
            journal.mark(UInt64(token))
        }
        noteGap()
        checkCache(attempt)
    }

    /// Records how long the client has waited since it last got tokens.
    private func noteGap() {
        let now = context.timeline.now
        if let last = commitTimes.last {
            journal.statistics.longestGap = max(journal.statistics.longestGap, (now - last).inMilliseconds)
        }
        commitTimes.append(now)
        journal.lastTokensAt = now
    }

    /// The cache holds the prompt and what the client was sent, unless the request is over.
    private func checkCache(_ attempt: Attempt) {
        guard attempt.received < plain.count else { return }
        let cached = verifier.target.length(of: attempt.request)
        let committed = request.prompt.count + attempt.received
        guard cached != committed else { return }
        journal.fail(
            .engine,
            "client \(index) has \(committed) tokens, the engine \(cached.map(String.init) ?? "none")"
        )
    }

    /// The tokens of a client that does not read pile up until the shell cuts it off.
    private func leaveUnread(_ count: Int) {
        guard journal.violation == nil, let limit = request.readLimit, var current = attempt,
            current.received > limit
        else { return }
        current.unread += count
        attempt = current
        guard current.unread > Self.unreadLimit else { return }
        isOverflowing = true
        journal.count(.slowClient)
        verifier.overflow(current.request, waitingTokens: current.unread)
    }

    private func finish(_ summary: RequestSummary, received: Int) {
        if summary.reason == .cancelled {
            guard isCancelled else {
                return journal.fail(.stream, "client \(index) was cancelled, and did not ask for it")
            }
            return end(.cancelled)
        }
        guard received == plain.count else {
            return journal.fail(.identity, "client \(index) got \(received) of \(plain.count) tokens")
        }
        let reason: FinishReason = plain.last.map(request.stopTokens.contains) ?? false ? .stop : .length
        guard summary.completionTokens == received, summary.reason == reason else {
            return journal.fail(.stream, "client \(index) got a wrong summary of its request: \(summary)")
        }
        end(.finished)
    }

    private func fail(_ fault: RequestFault, received: Int) {
        switch fault {
        case .overloaded, .tenantOverloaded:
            OverloadCheck.judge(fault, of: "client \(index)", context)
            retry()
        case .cacheFull(MockTarget.pressure):
            if request.goesOn { kept = received }
            retry()
        case .slowConsumer where isOverflowing: end(.tooSlow)
        case .engine(MockTarget.plannedFailure) where request.failingRound != nil:
            journal.count(.engineFailure)
            end(.failed)
        default: journal.fail(.liveness, "client \(index) failed: \(fault)")
        }
    }
}
