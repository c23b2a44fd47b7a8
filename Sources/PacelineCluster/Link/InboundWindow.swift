/// When a peer's bytes are read on, so that one peer cannot hold the loop that serves all: by turns of a bounded number
/// of messages, and no faster than its allowance.
struct InboundWindow: Sendable {
    private var allowance: InboundAllowance
    private let turnInterval: Duration
    /// When reading goes on; nil while it is not held up.
    private(set) var resumesAt: Instant?

    init(configuration: LinkConfiguration) {
        allowance = InboundAllowance(
            bytesPerSecond: configuration.inboundBytesPerSecond,
            burst: configuration.inboundBurst
        )
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
    func isExceeded(now: Instant) -> Bool {
        allowance.readableAt > now
    }

    /// Holds reading up until the peer's next turn.
    mutating func pause(now: Instant) {
        resumesAt = max(now + turnInterval, allowance.readableAt)
    }

    mutating func resume() {
        resumesAt = nil
    }
}
