import PacelineCluster
import PacelineSimulation

/// What `paceline bench cluster` prints.
struct ClusterBenchReport: Encodable {
    struct Entry: Encodable {
        var mode: String
        var acceptance: Double
        var rttMilliseconds: Double
        var sequences: Int
        var workers: Int
        var tokensPerSecond: Double
        var tokensPerRound: Double
        var emptyShare: Double
        var verifierBusyShare: Double

        enum CodingKeys: String, CodingKey {
            case mode, acceptance, sequences, workers
            case rttMilliseconds = "rtt_ms"
            case tokensPerSecond = "tokens_per_second"
            case tokensPerRound = "tokens_per_round"
            case emptyShare = "empty_share"
            case verifierBusyShare = "verifier_busy_share"
        }
    }

    struct Saturation: Encodable {
        var mode: String
        var acceptance: Double
        var rttMilliseconds: Double
        var sequences: Int
        /// The fewest workers that reach 95 % of the best throughput.
        var workers: Int
        var tokensPerSecond: Double

        enum CodingKeys: String, CodingKey {
            case mode, acceptance, sequences, workers
            case rttMilliseconds = "rtt_ms"
            case tokensPerSecond = "tokens_per_second"
        }
    }

    var costs: String
    var costMilliseconds: [String: Double]
    var stepMilliseconds: Double
    var results: [Entry]
    var saturation: [Saturation]
    private let lines: [ClusterBenchmark.Line]

    enum CodingKeys: String, CodingKey {
        case costs, results, saturation
        case costMilliseconds = "cost_ms"
        case stepMilliseconds = "step_ms"
    }

    init(_ results: [ClusterBenchmark.Measurement], costs: MeasuredCosts, step: Double) {
        self.costs = costs.name
        costMilliseconds = costs.figures
        stepMilliseconds = step
        lines = ClusterBenchmark.lines(results)
        self.results = results.map(Entry.init)
        saturation = lines.compactMap { line in line.saturation.map { Saturation(line, $0) } }
    }

    /// The plot of the same figures.
    var plot: ScalingPlot {
        ScalingPlot(
            title: "Throughput against draft workers",
            subtitle: "Simulated; pass times: \(costs); a draft step takes \(stepMilliseconds) ms",
            lines: lines
        )
    }

    /// The table: a row for each line of the plot, with tokens per second by number of workers.
    var text: String {
        let counts = Set(results.map(\.workers)).sorted()
        let header = ["mode", "sequences", "rtt ms", "acceptance"] + counts.map { "\($0) w" } + ["saturates at"]
        var table = TextTable(header: header, rightAligned: Set(1..<header.count))
        for line in lines {
            let figures = counts.map { count in
                line.results.first { $0.point.workers == count }.map { $0.tokensPerSecond.formatted(decimals: 1) } ?? ""
            }
            let end = line.saturation.map { "\($0.point.workers) w" } ?? ""
            let trip = line.roundTripMilliseconds.formatted(decimals: 0)
            let head = [line.mode.rawValue, "\(line.sequences)", trip, line.agreement.formatted(decimals: 2)]
            table.append(head + figures + [end])
        }
        return "tokens per second by workers; passes: \(costs)\n" + table.text
    }
}

extension ClusterBenchReport.Entry {
    init(_ result: ClusterBenchmark.Measurement) {
        mode = result.point.mode.rawValue
        acceptance = result.point.agreement
        rttMilliseconds = result.point.roundTripMilliseconds
        sequences = result.point.sequences
        workers = result.point.workers
        tokensPerSecond = result.tokensPerSecond
        tokensPerRound = result.tokensPerRound
        emptyShare = result.emptyShare
        verifierBusyShare = result.busyShare
    }
}

extension ClusterBenchReport.Saturation {
    init(_ line: ClusterBenchmark.Line, _ result: ClusterBenchmark.Measurement) {
        mode = line.mode.rawValue
        acceptance = line.agreement
        rttMilliseconds = line.roundTripMilliseconds
        sequences = line.sequences
        workers = result.point.workers
        tokensPerSecond = result.tokensPerSecond
    }
}
