import PacelineCluster

/// What a relay has done.
package struct RelayStatistics: Sendable, Hashable {
    /// One direction, over all connections.
    package struct Direction: Sendable, Hashable {
        package private(set) var bytes = 0
        /// Runs that have departed.
        package private(set) var runs = 0
        /// From arrival to the time when a run was due.
        package private(set) var shortestDelay: Duration?
        package private(set) var longestDelay = Duration.zero
        private var totalDelay = Duration.zero
        /// The longest time by which a run departed behind schedule, because the machine was busy.
        package private(set) var longestLateness = Duration.zero
        /// The most bytes that one connection held at once.
        package private(set) var peakHeld = 0
        /// How often bytes found no room, so that the sender had to wait.
        package internal(set) var refusals = 0

        package init() {}

        package var meanDelay: Duration { runs > 0 ? totalDelay / runs : .zero }

        mutating func arrived(_ count: Int, held: Int) {
            bytes += count
            peakHeld = max(peakHeld, held)
        }

        mutating func departed(delay: Duration, lateness: Duration) {
            runs += 1
            shortestDelay = min(shortestDelay ?? delay, delay)
            longestDelay = max(longestDelay, delay)
            totalDelay += delay
            longestLateness = max(longestLateness, lateness)
        }

        static func += (left: inout Direction, right: Direction) {
            left.bytes += right.bytes
            left.runs += right.runs
            if let shortest = right.shortestDelay { left.shortestDelay = min(left.shortestDelay ?? shortest, shortest) }
            left.longestDelay = max(left.longestDelay, right.longestDelay)
            left.totalDelay += right.totalDelay
            left.longestLateness = max(left.longestLateness, right.longestLateness)
            left.peakHeld = max(left.peakHeld, right.peakHeld)
            left.refusals += right.refusals
        }
    }

    /// Connections that were joined to the upstream.
    package internal(set) var connections = 0
    /// Connections that were refused because too many were open.
    package internal(set) var refused = 0
    /// Connections whose upstream could not be reached.
    package internal(set) var failed = 0
    /// Towards the upstream.
    package internal(set) var upstream = Direction()
    /// Towards the clients.
    package internal(set) var downstream = Direction()

    package init() {}
}
