import PacelineSpeculation

/// Decides when a peer's bytes are read, so that one peer cannot occupy the loop that serves everyone. A peer is read
/// in short turns, and no faster than its allowance.
struct InboundWindow: Sendable {
    private var allowance: RateAllowance
    private let turnInterval: Duration
    /// When reading resumes; nil while it is not paused.
    private(set) var resumesAt: Instant?

    init(configuration: LinkConfiguration) {
        allowance = RateAllowance(perSecond: configuration.inboundBytesPerSecond, burst: configuration.inboundBurst)
        turnInterval = configuration.turnInterval
    }

    var isPaused: Bool { resumesAt != nil }

    mutating func take(_ bytes: Int, now: Instant) {
        allowance.take(bytes, now: now)
    }

    func isDue(now: Instant) -> Bool {
        resumesAt.map { $0 <= now } ?? false
    }

    /// Whether the peer has sent more than its allowance.
    mutating func isExceeded(now: Instant) -> Bool {
        allowance.readyAt(now: now) > now
    }

    /// Pauses reading until the peer's next turn.
    mutating func pause(now: Instant) {
        resumesAt = max(now + turnInterval, allowance.readyAt(now: now))
    }

    mutating func resume() {
        resumesAt = nil
    }
}

/// Bytes that were written to a transport and have not left yet, and how long none has left.
struct OutboundWindow: Sendable {
    private(set) var bytes = 0
    /// When the present wait began: at the write that found nothing waiting, or at the last flush.
    private var waitingSince: Instant?

    mutating func wrote(_ count: Int, now: Instant) {
        if bytes == 0 { waitingSince = now }
        bytes += count
    }

    mutating func flushed(_ count: Int, now: Instant) {
        if PlantedBug.flushesUncounted.isPlanted { return }
        bytes = max(0, bytes - count)
        waitingSince = bytes == 0 ? nil : now
    }

    /// How long bytes have waited without any leaving; nil if none wait.
    func stalled(now: Instant) -> Duration? {
        waitingSince.map { now - $0 }
    }

    func deadline(after timeout: Duration) -> Instant? {
        waitingSince.map { $0 + timeout }
    }
}
