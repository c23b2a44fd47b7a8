import PacelineCluster
import PacelineSpeculation

/// Virtual time: the clock, the events to come, and the random numbers that they draw in the order they happen.
///
/// An action must not keep the timeline's users alive: it captures processes and networks `unowned`.
final class Timeline {
    typealias Action = () -> Void

    /// An event to come. In a structure, because a closure that a generic collection holds is wrapped in another.
    private struct Event {
        let action: Action
    }

    private(set) var now = Instant.zero
    /// Since when no fault strikes; nil while faults may strike.
    private(set) var healedAt: Instant?
    var random: SplitMix
    /// A stream of its own, so that handshakes do not shift what else comes of the seed.
    private var nonces: SplitMix
    private var queue = EventQueue<Event>()

    init(seed: UInt64) {
        random = SplitMix(seed: MockText.mix(seed ^ 0x5349_4d55))
        nonces = SplitMix(seed: MockText.mix(seed ^ 0x4e4f_4e43))
    }

    func schedule(after delay: Duration, _ action: @escaping Action) {
        schedule(at: now + delay, action)
    }

    func schedule(at time: Instant, _ action: @escaping Action) {
        queue.schedule(Event(action: action), at: time)
    }

    /// Moves the clock to the next event and takes it out; nil if none is due by `end`.
    func next(by end: Instant = Instant(nanoseconds: .max)) -> Action? {
        guard let due = queue.nextDue, due <= end, let (at, event) = queue.next() else { return nil }
        now = max(now, at)
        return event.action
    }

    /// Moves the clock past a time in which nothing happens.
    func skip(to time: Instant) {
        now = max(now, time)
    }

    func endFaults() {
        healedAt = now
    }

    func makeNonce() -> LinkNonce {
        LinkNonce(using: &nonces)
    }
}
