import HTTPTypes
import NIOCore
import PacelineCluster
import PacelineServer

/// A request that the gateway answers: where it is, and what the client has.
struct ProxyRequest: Sendable {
    /// A replica's answer on its way.
    enum Progress: Sendable {
        /// Nothing has come.
        case waiting
        /// An answer in one piece is coming.
        case collecting(AnswerHead, ByteBuffer)
        case streaming
    }

    struct Attempt: Sendable {
        let id: AttemptID
        let address: ReplicaAddress
        /// The generation that the replica had when it last answered.
        var generation: String
        let opened: Instant
        /// When the replica last sent something, or the gateway began to read again.
        var lastByte: Instant
        var progress = Progress.waiting
        /// The tokens that the replica has left to read and to generate for it.
        var charge: Int

        /// Whether anything of an answer has come.
        var hasBegun: Bool {
            if case .waiting = progress { false } else { true }
        }
    }

    let call: ProxiedCall
    let arrival: Instant
    /// Nil while no replica works for it.
    var attempt: Attempt?
    /// What the client has of a stream; nil for an answer in one piece.
    var relay: StreamRelay?
    /// Whether the client's stream has begun.
    var hasBegun = false
    /// When the client last got something, or has come.
    var lastSent: Instant
    /// When it last got a part of the answer; and the same at the moment of a cut, until the answer goes on.
    var lastContent: Instant
    var cut: Instant?
    /// Whether the client does not take what it has been sent.
    var isBlocked = false
    /// The seed of the answer, as its head says it; nil while nobody has named it.
    var seed: String?
    /// The generation of the tokens that the client has.
    var generation: String?
    /// Tokens that the client got from the gateway.
    var tokens = 0
    /// Replicas that refused or lost it since the last token.
    var tried: Set<ReplicaAddress> = []
    /// The best answer to the client if no replica takes it.
    var refusal: ProxyAnswer?
    /// Replicas lost since the last token, and in all.
    var failures = 0
    var failovers = 0
    /// Since when it waits for a replica, and when it looks again.
    var waiting: (since: Instant, next: Instant)?
    /// How long it has waited before that since the last token, and how often it has looked.
    var waited = Duration.zero
    var looks = 0

    init(_ call: ProxiedCall, eventLimit: Int, now: Instant) {
        self.call = call
        (arrival, lastSent, lastContent) = (now, now, now)
        seed = call.generation?.seed.map { "\($0)" }
        if let outline = call.generation, outline.isStreamed { relay = StreamRelay(outline, eventLimit: eventLimit) }
    }

    /// What the head of its stream says.
    var headers: HTTPFields { seed.map { [.pacelineSeed: $0] } ?? [:] }

    /// Whether tokens have reached the client, so that only replicas of one generation can go on.
    var hasContent: Bool { relay?.hasContent ?? false }

    /// The tokens that a replica will read and generate from here.
    func charge(_ configuration: GatewayConfiguration) -> Int {
        guard let outline = call.generation else { return 1 }
        let each = min(outline.maximumTokens ?? configuration.assumedTokens, 1 << 20)
        let (all, overflow) = each.multipliedReportingOverflow(by: outline.choices)
        return outline.promptTokens + max(1, (overflow ? 1 << 20 : all) - tokens)
    }

    /// From one look for a replica to the next: longer and longer, and not the same for all that were lost together.
    func retryInterval(_ configuration: GatewayConfiguration, _ id: ProxyRequestID) -> Duration {
        let interval = configuration.retryInterval * (1 << min(looks, 16))
        return min(interval, configuration.longestRetryInterval) + configuration.retryInterval / 8 * Int(id.number % 8)
    }

    /// A replica works for it from now on.
    mutating func begin(_ attempt: Attempt, now: Instant) {
        if let waiting { waited += now - waiting.since }
        (self.attempt, waiting) = (attempt, nil)
    }

    /// Takes note of tokens.
    ///
    /// - Returns: how much less the replica has left to do.
    mutating func progress(_ count: Int) -> Int {
        guard count > 0, var attempt else { return 0 }
        let isFirst = tokens == 0
        tokens += count
        (failures, waited, looks) = (0, .zero, 0)
        tried.removeAll()
        let done = min(attempt.charge - 1, count + (isFirst ? call.generation?.promptTokens ?? 0 : 0))
        attempt.charge -= done
        self.attempt = attempt
        return done
    }

    /// Keeps the answer that tells the client most: that all are busy, before that none is there.
    mutating func keep(_ answer: ProxyAnswer) {
        if refusal?.status != .tooManyRequests { refusal = answer }
    }

    /// The time between pings to the client; nil for none.
    func pingInterval(_ configuration: GatewayConfiguration) -> Duration? {
        guard relay != nil else { return nil }
        let interval = call.generation?.pingInterval ?? configuration.pingInterval
        return interval > .zero ? interval : nil
    }
}
