import PacelineSpeculation

/// What happened to one request so far, in a bounded memory.
package struct RequestTrace: Sendable {
    /// Tokens that a client has been sent.
    package struct Sending: Sendable, Equatable {
        /// Generated tokens up to here.
        package var tokens: Int
        /// When their bytes had left.
        package var time: Instant
    }

    /// How a request ended.
    package enum Ending: Sendable, Equatable {
        case finished(RequestSummary)
        case failed(RequestFault)
    }

    /// Where the time went after the first token, in milliseconds.
    package struct Spending: Sendable, Equatable {
        package var waiting = 0.0
        package var verifying = 0.0
        package var sampling = 0.0
        /// From the end of one round to that of the next, all of the above included.
        package var all = 0.0
    }

    /// Rounds that are kept from the beginning, and the latest ones beside them.
    private static let (firstRounds, lastRounds) = (16, 240)
    /// Rounds that are kept in all.
    static let roundLimit = firstRounds + lastRounds

    package let request: RequestID
    /// Nil for a request that did not come over HTTP.
    package let name: RequestName?
    package let tenant: Tenant
    package let promptTokens: Int
    /// Generated tokens that it went on behind.
    package let givenTokens: Int
    package let submission: Instant
    /// When its first pass could have begun; nil while it waits for a slot.
    package private(set) var firstReady: Instant?
    package private(set) var firstToken: Instant?
    package private(set) var lastToken: Instant?
    package private(set) var generatedTokens = 0
    package private(set) var draftTokens = 0
    package private(set) var acceptedTokens = 0
    /// All rounds, also those that are not kept.
    package private(set) var roundCount = 0
    /// Of all rounds, also those that are not kept.
    package private(set) var spending = Spending()
    private var lastVerification: Instant?
    package private(set) var ending: Ending?
    package private(set) var end: Instant?
    private var first: [RoundRecord] = []
    private var last = Ring<RoundRecord>(limit: Self.lastRounds)
    private var sendings = Ring<Sending>(limit: Self.lastRounds)
    private var sendCount = 0

    init(_ id: RequestID, _ request: GenerationRequest, now: Instant) {
        self.request = id
        name = request.name
        tenant = request.tenant
        promptTokens = request.prompt.count
        givenTokens = request.generated.count
        submission = now
    }

    /// Those that are kept, in order.
    package var rounds: [RoundRecord] { first + last.elements }

    /// What the client has been sent, in order; the latest only. Empty if nobody says so.
    package var sent: [Sending] { sendings.elements }

    /// Whether ``sent`` has everything that the client was sent.
    package var knowsAllSent: Bool { sendings.elements.count == sendCount }

    package var isOver: Bool { end != nil }

    /// - Parameter isKept: whether the round itself is remembered.
    mutating func add(_ round: RoundRecord, isKept: Bool) {
        firstReady = firstReady ?? round.ready
        roundCount += 1
        if case .verify(let verified, let accepted, _) = round.work {
            draftTokens += verified
            acceptedTokens += accepted
            spend(round)
        }
        guard isKept else { return }
        var round = round
        // The picture is for those who watch.
        round.tree = nil
        if first.count < Self.firstRounds { first.append(round) } else { last.append(round) }
    }

    private mutating func spend(_ round: RoundRecord) {
        defer { lastVerification = round.ended }
        guard let lastVerification else { return }
        let sampling = round.cost.samplingMilliseconds ?? 0
        spending.waiting += (round.began - round.ready).inMilliseconds
        spending.verifying += max(0, round.cost.milliseconds - sampling)
        spending.sampling += sampling
        spending.all += (round.ended - lastVerification).inMilliseconds
    }

    mutating func add(_ event: RequestEvent, now: Instant) {
        switch event {
        case .prompt: break
        case .tokens(let generated):
            generatedTokens += generated.tokens.count
            firstToken = firstToken ?? now
            lastToken = now
        case .finished(let summary): (ending, end) = (.finished(summary), now)
        case .failed(let fault): (ending, end) = (.failed(fault), now)
        }
    }

    mutating func sent(_ tokens: Int, now: Instant) {
        sendCount += 1
        sendings.append(Sending(tokens: (sendings.last?.tokens ?? 0) + tokens, time: now))
    }

    /// Forgets rounds in the middle, and what belongs to them.
    ///
    /// - Parameter limit: rounds that may stay, at least 2.
    mutating func trim(to limit: Int) {
        first = Array(first.prefix(min(Self.firstRounds, limit / 2)))
        last.trim(to: limit - first.count)
        sendings.trim(to: max(1, limit - first.count))
    }
}
