import PacelineCluster
import PacelineSpeculation
import PacelineTestTraits
import Testing

@testable import PacelineSimulation

@Suite("The cluster benchmark", .computing)
struct ClusterBenchmarkTests {
    private func results(_ change: (inout ClusterBenchmark.Settings) -> Void) throws -> [ClusterBenchmark.Measurement] {
        var settings = ClusterBenchmark.Settings(costs: try .linear(base: 40, perRow: 0.2))
        settings.workers = [0, 2]
        settings.sequences = [2]
        settings.agreements = [0.9]
        settings.roundTrips = [1]
        settings.seconds = 2
        settings.jobs = 2
        change(&settings)
        return try ClusterBenchmark(settings).run()
    }

    @Test("finds plain decoding without workers, and more with them")
    func scaling() throws {
        let results = try results { _ in }
        #expect(results.map(\.point.workers) == [0, 2])
        #expect(results[0].emptyShare == 1 && results[0].tokensPerRound == 1)
        // Two sequences and passes of 40.4 ms: at most 50 passes begin within two seconds.
        #expect(results[0].tokensPerSecond > 40 && results[0].tokensPerSecond <= 50)
        #expect(results[1].tokensPerSecond > 2 * results[0].tokensPerSecond)
    }

    @Test("finds stop-and-wait slower than asynchronous drafting over a long way")
    func modes() throws {
        let results = try results {
            $0.modes = [.asynchronous, .stopAndWait]
            $0.workers = [2]
            $0.roundTrips = [80]
        }
        #expect(results[0].point.mode == .asynchronous)
        #expect(results[0].tokensPerSecond > results[1].tokensPerSecond)
    }

    @Test("gives the same figures whatever the number of threads")
    func determinism() throws {
        let one = try results { $0.jobs = 1 }
        let three = try results { $0.jobs = 3 }
        #expect(one.map(\.tokensPerSecond) == three.map(\.tokensPerSecond))
    }

    @Test("marks the fewest workers that reach nearly the best")
    func saturation() throws {
        let speeds = [0: 10.0, 1: 30, 2: 58, 4: 60, 8: 59]
        let results = speeds.map { workers, speed in
            ClusterBenchmark.Measurement(
                point: .init(
                    mode: .asynchronous,
                    agreement: 0.7,
                    roundTripMilliseconds: 1,
                    sequences: 1,
                    workers: workers
                ),
                tokensPerSecond: speed,
                tokensPerRound: 1,
                emptyShare: 0,
                busyShare: 1
            )
        }
        let lines = ClusterBenchmark.lines(results)
        #expect(lines.count == 1)
        #expect(lines[0].results.map(\.point.workers) == [0, 1, 2, 4, 8])
        #expect(lines[0].saturation?.point.workers == 2)
        let plot = ScalingPlot(title: "a < b & c", subtitle: "", lines: lines)
        #expect(plot.svg.contains("a &lt; b &amp; c"))
        #expect(plot.svg.hasPrefix("<svg ") && plot.svg.hasSuffix("</svg>\n"))
    }

    @Test("refuses a cost curve with keys that are not numbers of rows, or with times that no pass takes")
    func costs() {
        #expect(throws: CostsError.notANumber("one")) { try MeasuredCosts(name: "", figures: ["one": 1]) }
        // With the shortest, the passes of a second would overflow an integer.
        for (rows, milliseconds) in [(1, -1), (1, 1e-300), (1, .infinity), (1, .nan), (0, 1), (.max, 1)]
            as [(Int, Double)]
        {
            #expect(throws: CostsError.self, "\(rows), \(milliseconds)") {
                try MeasuredCosts(name: "", figures: ["\(rows)": milliseconds])
            }
        }
        #expect(throws: CostCurveError.self) { try MeasuredCosts(name: "", figures: [:]) }
    }
}
