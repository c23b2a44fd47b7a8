package import PacelineCluster

/// What is to happen, by time and, at the same time, in the order it was scheduled: a binary heap.
package struct EventQueue<Action> {
    private struct Entry {
        var at: Instant
        var order: UInt64
        var action: Action

        func precedes(_ other: Entry) -> Bool {
            at == other.at ? order < other.order : at < other.at
        }
    }

    private var entries: [Entry] = []
    private var scheduled: UInt64 = 0

    package init() {}

    /// Events that wait.
    var count: Int { entries.count }

    /// When the next event is due.
    var nextDue: Instant? { entries.first?.at }

    /// - Parameter at: when it is to happen.
    package mutating func schedule(_ action: Action, at: Instant) {
        scheduled += 1
        entries.append(Entry(at: at, order: scheduled, action: action))
        var child = entries.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard entries[child].precedes(entries[parent]) else { return }
            entries.swapAt(child, parent)
            child = parent
        }
    }

    /// Takes out what is due first.
    package mutating func next() -> (at: Instant, action: Action)? {
        guard let first = entries.first, let last = entries.popLast() else { return nil }
        guard !entries.isEmpty else { return (first.at, first.action) }
        entries[0] = last
        sink()
        return (first.at, first.action)
    }

    /// Moves the first entry down to its place.
    private mutating func sink() {
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < entries.count {
                if entries[child].precedes(entries[least]) { least = child }
            }
            guard least != parent else { return }
            entries.swapAt(parent, least)
            parent = least
        }
    }
}
