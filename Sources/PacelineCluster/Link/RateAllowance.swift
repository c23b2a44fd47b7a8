import PacelineSpeculation

/// A rate limit: `perSecond` in the long run and `burst` at once. This is the generic cell rate algorithm (ITU-T
/// I.371): one instant says when everything so far will be paid for at the steady rate.
struct RateAllowance: Sendable {
    private let perSecond: Int
    private let burst: Int
    private var paidAt = Instant.zero

    /// - Parameter perSecond: at least 1.
    init(perSecond: Int, burst: Int) {
        self.perSecond = perSecond
        self.burst = burst
    }

    mutating func take(_ count: Int, now: Instant) {
        paidAt = max(paidAt, now) + span(of: count)
    }

    /// When more may come; in the past unless the limit is exceeded.
    var readyAt: Instant {
        paidAt.advanced(by: .zero - span(of: burst))
    }

    private func span(of count: Int) -> Duration {
        .fromMilliseconds(Double(count) * 1000 / Double(perSecond))
    }
}
