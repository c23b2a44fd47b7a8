import PacelineCluster
import PacelineSpeculation

/// Future events by time; events of the same time come in the order in which they were scheduled.
struct EventQueue<Action> {
    private struct Entry: Comparable {
        var at: Instant
        var order: UInt64
        var action: Action

        static func < (one: Entry, other: Entry) -> Bool {
            one.at == other.at ? one.order < other.order : one.at < other.at
        }

        static func == (one: Entry, other: Entry) -> Bool {
            one.order == other.order
        }
    }

    private var entries = Heap<Entry>()
    private var scheduled: UInt64 = 0

    /// When the next event is due.
    var nextDue: Instant? { entries.first?.at }

    /// - Parameter at: when the action happens.
    mutating func schedule(_ action: Action, at: Instant) {
        scheduled += 1
        entries.insert(Entry(at: at, order: scheduled, action: action))
    }

    /// Removes the event that is due first.
    mutating func next() -> (at: Instant, action: Action)? {
        entries.popFirst().map { ($0.at, $0.action) }
    }
}
