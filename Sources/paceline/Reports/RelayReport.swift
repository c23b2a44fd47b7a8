import PacelineChaos
import PacelineSpeculation

/// What `paceline chaos relay` prints when it ends.
struct RelayReport: Encodable {
    struct Direction: Encodable {
        var bytes: Int
        var runs: Int
        var shortestDelayMS: Double
        var meanDelayMS: Double
        var longestDelayMS: Double
        /// How far the relay fell behind its schedule at worst.
        var longestLatenessMS: Double
        var peakHeldBytes: Int
        var refusals: Int

        enum CodingKeys: String, CodingKey {
            case bytes, runs, refusals
            case shortestDelayMS = "shortest_delay_ms"
            case meanDelayMS = "mean_delay_ms"
            case longestDelayMS = "longest_delay_ms"
            case longestLatenessMS = "longest_lateness_ms"
            case peakHeldBytes = "peak_held_bytes"
        }

        init(_ statistics: RelayStatistics.Direction) {
            bytes = statistics.bytes
            runs = statistics.runs
            shortestDelayMS = statistics.shortestDelay?.inMilliseconds ?? 0
            meanDelayMS = statistics.meanDelay.inMilliseconds
            longestDelayMS = statistics.longestDelay.inMilliseconds
            longestLatenessMS = statistics.longestLateness.inMilliseconds
            peakHeldBytes = statistics.peakHeld
            refusals = statistics.refusals
        }
    }

    var event = "ended"
    var connections: Int
    var refused: Int
    var failed: Int
    var upstream: Direction
    var downstream: Direction

    init(_ statistics: RelayStatistics) {
        connections = statistics.connections
        refused = statistics.refused
        failed = statistics.failed
        upstream = Direction(statistics.upstream)
        downstream = Direction(statistics.downstream)
    }

    /// For people.
    var text: String {
        let header = [
            "direction", "bytes", "runs", "delay ms: least", "mean", "most", "most late ms", "most held", "times full",
        ]
        var table = TextTable(header: header, rightAligned: Set(1..<header.count))
        for (name, direction) in [("upstream", upstream), ("downstream", downstream)] {
            table.append(
                [name, "\(direction.bytes)", "\(direction.runs)"]
                    + [
                        direction.shortestDelayMS, direction.meanDelayMS, direction.longestDelayMS,
                        direction.longestLatenessMS,
                    ]
                    .map { $0.formatted(decimals: 2) } + [direction.peakHeldBytes.asBytes, "\(direction.refusals)"]
            )
        }
        return "\(connections) connections, \(refused) refused, \(failed) without upstream\n" + table.text
    }
}
