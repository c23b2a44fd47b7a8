import PacelineGateway

/// What gateways and their clients did, in numbers.
package struct GatewayFigures: Sendable, Equatable {
    /// Scenarios with gateways.
    package var scenarios = 0
    /// Answers that clients asked for, repeated questions included, and those that came to their end.
    package var streams = 0
    package var completed = 0
    /// Completed answers in one piece, and those of chat.
    package var whole = 0
    package var chats = 0
    /// Completed streams that more than one verifier has written.
    package var resumed = 0
    /// Streams that ended with an error because no verifier could go on, and requests that no verifier took.
    package var lost = 0
    package var refused = 0
    /// Verifiers that ended in the middle of what they did.
    package var crashes = 0
    /// Streams that went to another verifier in the middle, by the reason.
    package var failovers: [String: Int] = [:]
    /// Requests that went to another verifier before they had an answer, by the reason.
    package var retries: [String: Int] = [:]

    mutating func add(_ statistics: GatewayStatistics) {
        for (reason, count) in statistics.failovers { failovers[reason.rawValue, default: 0] += count }
        for (reason, count) in statistics.retries { retries[reason.rawValue, default: 0] += count }
    }

    static func += (left: inout GatewayFigures, right: GatewayFigures) {
        left.scenarios += right.scenarios
        left.streams += right.streams
        left.completed += right.completed
        left.whole += right.whole
        left.chats += right.chats
        left.resumed += right.resumed
        left.lost += right.lost
        left.refused += right.refused
        left.crashes += right.crashes
        left.failovers.merge(right.failovers, uniquingKeysWith: +)
        left.retries.merge(right.retries, uniquingKeysWith: +)
    }
}
