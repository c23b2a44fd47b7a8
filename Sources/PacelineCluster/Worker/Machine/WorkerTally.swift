import PacelineSpeculation

/// What a worker did since it started, in numbers that never fall.
package struct WorkerTally: Sendable, Equatable {
    /// Links whose handshake was over, and those of them that ended against the worker's will.
    package private(set) var connectionsMade = 0
    package private(set) var connectionsLost = 0
    /// Requests that verifiers opened here.
    package private(set) var requests = 0
    /// Nodes that its drafters added to trees.
    package private(set) var draftedNodes = 0
    /// Its nodes that verifiers verified, and those of them that were accepted.
    package private(set) var verifiedNodes = 0
    package private(set) var acceptedNodes = 0
    /// The compute thread's time in drafting.
    package private(set) var draftingTime = Duration.zero
    private var rate = EventRate()

    package init() {}

    mutating func connected() { connectionsMade += 1 }
    mutating func disconnected() { connectionsLost += 1 }
    mutating func opened() { requests += 1 }

    mutating func drafted(_ nodes: Int, in time: Duration, now: Instant) {
        draftedNodes += nodes
        draftingTime += time
        rate.record(nodes, now: now)
    }

    mutating func judged(verified: Int, accepted: Int) {
        verifiedNodes += verified
        acceptedNodes += accepted
    }

    /// Drafted nodes a second, over about the last ten seconds.
    func nodesPerSecond(now: Instant) -> Double { rate.perSecond(now: now) }
}

/// How often something happens: a count that fades, over the time in which it fades.
struct EventRate: Sendable, Equatable {
    /// After this many seconds, a third of a count is left.
    private static let memory = 10.0

    private var count = 0.0
    private var first: Instant?
    private var last = Instant.zero

    init() {}

    mutating func record(_ events: Int, now: Instant) {
        count = faded(now: now) + Double(events)
        first = first ?? now
        last = now
    }

    func perSecond(now: Instant) -> Double {
        guard let first else { return 0 }
        // What a count of one would have become, had it come evenly since the first.
        let age = max((now - first).inMilliseconds / 1000, 1)
        return faded(now: now) / (Self.memory * (1 - Double.exponential(-age / Self.memory)))
    }

    private func faded(now: Instant) -> Double {
        count * Double.exponential(-(now - last).inMilliseconds / 1000 / Self.memory)
    }
}
