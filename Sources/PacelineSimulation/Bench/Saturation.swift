extension ClusterBenchmark {
    /// One line of the plot: throughput against workers, all else equal.
    package struct Line: Sendable {
        package var mode: Mode
        package var agreement: Double
        package var roundTripMilliseconds: Double
        package var sequences: Int
        /// By ascending number of workers.
        package var results: [Measurement]

        /// The fewest workers that reach 95 % of the best throughput. Beyond them the verifier, or the quality of the
        /// drafts, is the limit.
        package var saturation: Measurement? {
            let best = results.map(\.tokensPerSecond).max() ?? 0
            return results.first { $0.tokensPerSecond >= 0.95 * best }
        }
    }

    /// Results as lines, in the order they came.
    package static func lines(_ results: [Measurement]) -> [Line] {
        var lines: [Line] = []
        for result in results {
            let point = result.point
            let place = lines.firstIndex {
                $0.mode == point.mode && $0.agreement == point.agreement && $0.sequences == point.sequences
                    && $0.roundTripMilliseconds == point.roundTripMilliseconds
            }
            if let place {
                lines[place].results.append(result)
            } else {
                lines.append(
                    Line(
                        mode: point.mode,
                        agreement: point.agreement,
                        roundTripMilliseconds: point.roundTripMilliseconds,
                        sequences: point.sequences,
                        results: [result]
                    )
                )
            }
        }
        for index in lines.indices {
            lines[index].results.sort { $0.point.workers < $1.point.workers }
        }
        return lines
    }
}
