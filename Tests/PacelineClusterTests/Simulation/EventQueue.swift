import PacelineCluster

/// What is to happen in a simulation, by time and, at the same time, in the order it was scheduled.
struct EventQueue<Action> {
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

    mutating func schedule(_ action: Action, at: Instant) {
        scheduled += 1
        entries.append(Entry(at: at, order: scheduled, action: action))
        var child = entries.count - 1
        while child > 0, entries[child].precedes(entries[(child - 1) / 2]) {
            entries.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func next() -> (at: Instant, action: Action)? {
        guard let first = entries.first, let last = entries.popLast() else { return nil }
        guard !entries.isEmpty else { return (first.at, first.action) }
        entries[0] = last
        var parent = 0
        while let child = [2 * parent + 1, 2 * parent + 2].filter({ $0 < entries.count })
            .min(by: { entries[$0].precedes(entries[$1]) }), entries[child].precedes(entries[parent])
        {
            entries.swapAt(parent, child)
            parent = child
        }
        return (first.at, first.action)
    }
}
