import PacelineCluster
import PacelineSpeculation

/// Future events by time; events of the same time come in the order in which they were scheduled.
///
/// The heap holds numbers only, which are quick to move; the actions stay in their places.
struct EventQueue<Action> {
    private struct Entry: Comparable {
        let at: UInt64
        /// How many events were scheduled before, and the place of the action in the last ``placeBits``.
        let ticket: UInt64

        static func < (one: Entry, other: Entry) -> Bool {
            one.at == other.at ? one.ticket < other.ticket : one.at < other.at
        }
    }

    private static var placeBits: UInt64 { 24 }

    private var entries = Heap<Entry>()
    private var actions: [Action?] = []
    /// Places of actions that are free.
    private var free: [Int] = []
    private var scheduled: UInt64 = 0

    /// When the next event is due.
    var nextDue: Instant? { entries.first.map { Instant(nanoseconds: $0.at) } }

    /// - Parameter at: when the action happens.
    mutating func schedule(_ action: Action, at: Instant) {
        scheduled += 1
        let place = free.popLast() ?? actions.count
        if place < actions.count { actions[place] = action } else { actions.append(action) }
        precondition(place >> Self.placeBits == 0, "more events wait than the queue can number")
        entries.insert(Entry(at: at.nanoseconds, ticket: scheduled << Self.placeBits | UInt64(place)))
    }

    /// Removes the event that is due first.
    mutating func next() -> (at: Instant, action: Action)? {
        guard let entry = entries.popFirst() else { return nil }
        let place = Int(entry.ticket & (1 << Self.placeBits - 1))
        // Every entry has an action in its place.
        guard let action = actions[place].take() else { return nil }
        free.append(place)
        return (Instant(nanoseconds: entry.at), action)
    }
}
