import PacelineSpeculation

/// How fast a peer may send: `bytesPerSecond` in the long run and `burst` at once. It is the generic cell rate
/// algorithm (ITU-T I.371): one instant says when all that has come will have been paid for at the steady rate.
struct InboundAllowance: Sendable {
    private let bytesPerSecond: Int
    private let burst: Int
    private var paidAt = Instant.zero

    /// - Parameters:
    ///   - bytesPerSecond: at least 1.
    ///   - burst: bytes.
    init(bytesPerSecond: Int, burst: Int) {
        self.bytesPerSecond = bytesPerSecond
        self.burst = burst
    }

    mutating func take(_ bytes: Int, now: Instant) {
        paidAt = max(paidAt, now) + span(of: bytes)
    }

    /// When the peer may be read on: in the past unless it has sent too much.
    var readableAt: Instant {
        paidAt.advanced(by: .zero - span(of: burst))
    }

    /// How long so many bytes last.
    private func span(of bytes: Int) -> Duration {
        .fromMilliseconds(Double(bytes) * 1000 / Double(bytesPerSecond))
    }
}
