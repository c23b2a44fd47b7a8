import PacelineSpeculation

/// A rate limit: `perSecond` in the long run and `burst` at once. This is the generic cell rate algorithm (ITU-T
/// I.371): one instant says when everything so far will be paid for at the steady rate.
struct RateAllowance: Sendable {
    private let perSecond: Int
    private let burst: Int
    private var paidAt = Instant.zero
    private var latest = Instant.zero

    /// - Parameter perSecond: at least 1.
    init(perSecond: Int, burst: Int) {
        self.perSecond = perSecond
        self.burst = burst
    }

    mutating func take(_ count: Int, now: Instant) {
        follow(now)
        paidAt = max(paidAt, now) + span(of: count)
    }

    /// When more may come; in the past unless the limit is exceeded.
    mutating func readyAt(now: Instant) -> Instant {
        follow(now)
        return paidAt.advanced(by: .zero - span(of: burst))
    }

    /// If the clock has gone back, what is paid for goes back with it. Otherwise a peer within its limit would have to
    /// wait until the clock shows again what it has shown before.
    private mutating func follow(_ now: Instant) {
        if now < latest { paidAt = paidAt.advanced(by: now - latest) }
        latest = now
    }

    private func span(of count: Int) -> Duration {
        .fromMilliseconds(Double(count) * 1000 / Double(perSecond))
    }
}
