import PacelineSpeculation

/// What happened to one request, as its client saw it. Times count from the start of the run.
package struct RequestRecord: Sendable, Hashable {
    package let request: ScheduledRequest
    /// When it was really sent.
    package let sent: Duration
    /// When its answer was complete, or when it failed.
    package private(set) var ended: Duration
    package private(set) var outcome: RequestOutcome = .abandoned
    /// What the server or the connection said about a failure.
    package private(set) var note: String?
    /// When the first and the last part with text came.
    package private(set) var firstText: Duration?
    package private(set) var lastText: Duration?
    /// Times between one part with text and the next.
    package private(set) var gaps: [Duration] = []
    /// What the server says about the whole answer.
    package private(set) var usage: AnswerUsage?
    /// Parts with text.
    package private(set) var textParts = 0
    private var text = FNV1a()

    package init(_ request: ScheduledRequest, sent: Duration) {
        self.request = request
        self.sent = sent
        ended = sent
    }

    /// Takes a part of the answer that has text.
    package mutating func take(text: String, at time: Duration) {
        if let lastText { gaps.append(time - lastText) }
        firstText = firstText ?? time
        lastText = time
        textParts += 1
        for byte in text.utf8 { self.text.absorb(byte) }
    }

    package mutating func take(_ usage: AnswerUsage) {
        self.usage = usage
    }

    /// - Parameter note: what the server or the connection said about a failure.
    package mutating func end(_ outcome: RequestOutcome, at time: Duration, note: String? = nil) {
        self.outcome = outcome
        self.note = note
        ended = time
    }

    /// Tells texts apart.
    package var textHash: UInt64 { text.value }

    /// Tokens of the answer: as many as the server says, or one for each part with text if it says nothing.
    package var outputTokens: Int { usage?.outputTokens ?? textParts }

    /// From the intended time to the first text.
    package var timeToFirstToken: Duration? { firstText.map { $0 - request.intended } }

    /// From the first text to the last, for each token after the first; nil with fewer than two.
    package var timePerOutputToken: Duration? {
        guard let firstText, let lastText, outputTokens > 1 else { return nil }
        return (lastText - firstText) / (outputTokens - 1)
    }

    /// From the intended time to the end.
    package var latency: Duration { ended - request.intended }

    /// How late it was sent.
    package var lag: Duration { sent - request.intended }
}

/// What a server says about an answer at its end.
package struct AnswerUsage: Sendable, Hashable {
    package var promptTokens: Int
    package var outputTokens: Int
    /// Drafted tokens that were verified, and how many of them were accepted; Paceline and llama-server say so.
    package var draftedTokens: Int?
    package var acceptedTokens: Int?

    /// No answer has more; a server may say anything, and the sums of many must not overflow.
    private static let most = 1 << 32

    package init(promptTokens: Int, outputTokens: Int, draftedTokens: Int? = nil, acceptedTokens: Int? = nil) {
        func sane(_ count: Int) -> Int { min(max(count, 0), Self.most) }
        self.promptTokens = sane(promptTokens)
        self.outputTokens = sane(outputTokens)
        self.draftedTokens = draftedTokens.map(sane)
        self.acceptedTokens = acceptedTokens.map(sane)
    }
}
