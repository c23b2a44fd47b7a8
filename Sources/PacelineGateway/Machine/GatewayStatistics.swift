package import PacelineMetrics

/// What a gateway has done since it started.
package struct GatewayStatistics: Sendable, Equatable {
    /// Why a request went to another replica.
    package enum Reason: String, Sendable, CaseIterable {
        /// No connection could be made.
        case unreachable
        /// The connection ended before the answer did.
        case disconnected
        /// A stream was silent for too long.
        case stalled
        /// The replica of an answer in one piece did not answer questions for its health.
        case unhealthy
        /// The replica had no room.
        case full
        /// The replica was loading, or about to end.
        case leaving
        /// The replica could not take it for another reason, or ended it.
        case unavailable
        /// The replica reported a fault of its own.
        case failed
        /// The replica went on with something else.
        case foreign
    }

    /// How a request ended.
    package enum Outcome: String, Sendable, CaseIterable {
        /// It was answered, with whatever status.
        case answered
        /// No replica took it.
        case refused
        /// Its stream could not be brought to its end.
        case lost
        /// Its client went away.
        case left
    }

    package private(set) var outcomes: [Outcome: Int] = [:]
    /// Requests that went to another replica before their clients had any of the answer, and in the middle of it.
    package private(set) var retries: [Reason: Int] = [:]
    package private(set) var failovers: [Reason: Int] = [:]
    package private(set) var tokens = 0
    /// From a stream's arrival to its first content.
    package private(set) var timeToFirstToken = Histogram(timeBounds)
    /// From a request's arrival until it was sent to the replica that answered.
    package private(set) var addedTime = Histogram(timeBounds)
    /// From the last part of a stream before a failover to the first behind it.
    package private(set) var gap = Histogram(timeBounds)

    private static let timeBounds: Histogram.Bounds = [
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
    ]

    mutating func count(_ outcome: Outcome) { outcomes[outcome, default: 0] += 1 }
    mutating func countRetry(_ reason: Reason) { retries[reason, default: 0] += 1 }
    mutating func countFailover(_ reason: Reason) { failovers[reason, default: 0] += 1 }
    mutating func count(tokens count: Int) { tokens += count }
    mutating func recordFirstToken(_ time: Duration) { timeToFirstToken.record(time / .seconds(1)) }
    mutating func recordAdded(_ time: Duration) { addedTime.record(time / .seconds(1)) }
    mutating func recordGap(_ time: Duration) { gap.record(time / .seconds(1)) }
}
