/// Foresees when a worker's next nodes come and what they will be worth, from how they came after earlier verdicts.
///
/// Kept per worker and sequence. A worker answers a verdict with a run of tree deltas; the first takes a round trip and
/// a draft step, the ones after it a draft step each, and each is deeper and worth less than the one before. So times
/// and gains are averaged by ordinal since the verdict. Times are milliseconds on any clock that does not go back.
package struct ArrivalForecast: Sendable, Hashable {
    /// Nodes that are expected.
    package struct Arrival: Sendable, Hashable {
        /// Milliseconds from now; 0 if due.
        package var delay: Double
        /// The sum of the path probabilities of the expected nodes.
        package var expectedTokens: Double
        package var nodes: Int

        package init(delay: Double, expectedTokens: Double, nodes: Int) {
            self.delay = delay
            self.expectedTokens = expectedTokens
            self.nodes = nodes
        }
    }

    private struct Typical: Sendable, Hashable {
        var interval: Double
        var expectedTokens: Double
        var nodes: Double

        mutating func average(_ other: Typical) {
            let weight = 0.2
            interval += weight * (other.interval - interval)
            expectedTokens += weight * (other.expectedTokens - expectedTokens)
            nodes += weight * (other.nodes - nodes)
        }
    }

    /// Deltas beyond this many count as the last of them.
    private static let ordinalLimit = 16
    /// Nodes that take this many times longer than usual are not waited for any more.
    private static let patience = 2.0

    private var typical: [Typical] = []
    private var ordinal = 0
    private var lastEvent: Double

    /// A forecast for a worker that was told the base at time `now`. It foresees nothing before it has seen a delta.
    package init(now: Double) {
        lastEvent = now
    }

    /// The worker has been sent a new base: what it sends from now on answers that.
    package mutating func verdictSent(at now: Double) {
        ordinal = 0
        lastEvent = now
    }

    /// Nodes for the current base have come.
    ///
    /// - Parameters:
    ///   - expectedTokens: the sum of the new nodes' calibrated path probabilities.
    ///   - nodes: how many they are.
    package mutating func deltaArrived(at now: Double, expectedTokens: Double, nodes: Int) {
        let seen = Typical(
            interval: Swift.max(0, now - lastEvent),
            expectedTokens: expectedTokens,
            nodes: Double(nodes)
        )
        if ordinal < typical.count {
            typical[ordinal].average(seen)
        } else if typical.count < Self.ordinalLimit {
            typical.append(seen)
        }
        ordinal = Swift.min(ordinal + 1, Self.ordinalLimit - 1)
        lastEvent = now
    }

    /// The next nodes that are expected, or `nil` when none are: nothing came at this point before, or they are long
    /// overdue.
    package func next(at now: Double) -> Arrival? {
        guard ordinal < typical.count else { return nil }
        let expected = typical[ordinal]
        let elapsed = Swift.max(0, now - lastEvent)
        guard elapsed <= expected.interval * Self.patience else { return nil }
        return Arrival(
            delay: Swift.max(0, expected.interval - elapsed),
            expectedTokens: expected.expectedTokens,
            nodes: Int(expected.nodes.rounded())
        )
    }
}
