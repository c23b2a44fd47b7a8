/// Bytes that were written to a transport and have not left yet, and since when none has.
struct OutboundWindow: Sendable {
    private(set) var bytes = 0
    /// When the wait for the oldest of them began anew: at the write that found nothing waiting, or at the last flush.
    private var waitingSince: Instant?

    mutating func wrote(_ count: Int, now: Instant) {
        if bytes == 0 { waitingSince = now }
        bytes += count
    }

    mutating func flushed(_ count: Int, now: Instant) {
        bytes = max(0, bytes - count)
        waitingSince = bytes == 0 ? nil : now
    }

    /// How long the peer has taken nothing although bytes wait.
    func stalled(now: Instant) -> Duration? {
        waitingSince.map { now - $0 }
    }

    func deadline(after timeout: Duration) -> Instant? {
        waitingSince.map { $0 + timeout }
    }
}
