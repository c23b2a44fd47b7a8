import PacelineSpeculation

/// Whose turn it is on a worker's compute thread. Sessions take turns, so that none starves.
struct DraftRota: Sendable {
    /// Sessions that the compute thread holds, or will hold after its present job.
    private(set) var opened: Set<DraftSessionID> = []
    /// The session whose turn it is, or was last.
    private(set) var last = DraftSessionID(rawValue: 0)
    /// When the present job was handed over; nil while the thread is idle.
    private var since: Instant?

    var isComputing: Bool { since != nil }

    /// The session whose turn is next.
    ///
    /// - Parameter wanting: sessions that have something to do, ascending.
    func next(of wanting: [DraftSessionID]) -> DraftSessionID? {
        wanting.first { $0 > last } ?? wanting.first
    }

    /// Sessions that the thread holds and that are over.
    func closings(besides open: [DraftSessionID]) -> [DraftSessionID] {
        if PlantedBug.closedDraftsKept.isPlanted { return [] }
        // Asked at every event, and mostly there are none.
        guard opened.contains(where: { !open.contains($0) }) else { return [] }
        return opened.subtracting(open).sorted()
    }

    /// A job is handed to the thread.
    mutating func begin(_ session: DraftSessionID?, closing closings: [DraftSessionID], now: Instant) {
        opened.subtract(closings)
        if let session {
            last = session
            opened.insert(session)
        }
        since = now
    }

    /// The thread is idle again.
    ///
    /// - Returns: how long the job took.
    mutating func end(now: Instant) -> Duration {
        defer { since = nil }
        return since.map { now - $0 } ?? .zero
    }
}
