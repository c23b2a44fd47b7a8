import PacelineSpeculation

/// When a worker reconnects to a verifier: exponential back-off with jitter, so that workers which lost the same
/// verifier do not return in step. A link that outlasts the next wait resets the back-off.
struct Reconnection: Sendable {
    enum State: Sendable, Equatable {
        case waiting(until: Instant)
        case connecting
        case established(since: Instant)
        /// The verifier refuses this worker until a setting changes.
        case refused(LinkFault)
        /// Another address leads to the same verifier, and this link to it.
        case standingBy(behind: LinkID)
    }

    private(set) var state = State.waiting(until: .zero)
    /// Before the next attempt, without jitter.
    private var delay: Duration
    private let delays: ClosedRange<Duration>

    init(delays: ClosedRange<Duration>) {
        self.delays = delays
        delay = delays.lowerBound
    }

    /// When to connect next.
    var deadline: Instant? {
        if case .waiting(let until) = state { until } else { nil }
    }

    mutating func connecting() {
        state = .connecting
    }

    mutating func established(now: Instant) {
        state = .established(since: now)
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
        if PlantedBug.neverReconnects.isPlanted {
            state = .connecting
            return nil
        }
        // A verifier that lets workers in only to throw them out must not be asked again at once.
        if case .established(let since) = state, now - since > delay { delay = delays.lowerBound }
        return wait(jitter: jitter, now: now)
    }

    /// Waits until a link has ended by which the worker has the verifier already.
    mutating func standBy(behind link: LinkID) {
        state = .standingBy(behind: link)
    }

    /// That link has ended.
    mutating func wake(jitter: Double, now: Instant) {
        delay = delays.lowerBound
        _ = wait(jitter: jitter, now: now)
    }

    private mutating func wait(jitter: Double, now: Instant) -> Duration {
        let base = delay
        delay = min(delay * 1.6, delays.upperBound)
        // A fifth up or down.
        let wait = base * (0.8 + 0.4 * jitter)
        state = .waiting(until: now + wait)
        return wait
    }
}
