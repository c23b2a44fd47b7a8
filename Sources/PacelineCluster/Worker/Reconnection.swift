/// When a worker connects to one of its verifiers again: exponential back-off with jitter, so that workers which lost
/// the same verifier do not come back in step.
struct Reconnection: Sendable {
    enum State: Sendable, Equatable {
        case waiting(until: Instant)
        case connecting(LinkID)
        case established(LinkID)
        /// The verifier will not have this worker until a setting changes.
        case refused(LinkFault)
    }

    private(set) var state = State.waiting(until: .zero)
    private var attempts = 0
    private let delays: ClosedRange<Duration>

    init(delays: ClosedRange<Duration>) {
        self.delays = delays
    }

    var link: LinkID? {
        switch state {
        case .connecting(let link), .established(let link): link
        case .waiting, .refused: nil
        }
    }

    /// When to connect next.
    var deadline: Instant? {
        if case .waiting(let until) = state { until } else { nil }
    }

    mutating func connecting(as link: LinkID) {
        state = .connecting(link)
    }

    mutating func established(_ link: LinkID) {
        state = .established(link)
        attempts = 0
    }

    /// The link ended, or was never made.
    ///
    /// - Parameter jitter: from 0 up to 1.
    /// - Returns: how long until the next attempt; nil if there will be none.
    mutating func ended(_ fault: LinkFault, jitter: Double, now: Instant) -> Duration? {
        guard !fault.isPermanent else {
            state = .refused(fault)
            return nil
        }
        let doubled = delays.lowerBound * (1 << min(attempts, 16))
        attempts += 1
        // A fifth up or down.
        let delay = min(doubled, delays.upperBound) * (0.8 + 0.4 * jitter)
        state = .waiting(until: now + delay)
        return delay
    }
}
