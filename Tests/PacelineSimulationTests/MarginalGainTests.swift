import PacelineCluster
import PacelineSpeculation
import PacelineTestTraits
import Testing

@testable import PacelineSimulation

@Suite("The marginal gain of a worker", .computing)
struct MarginalGainTests {
    /// A cluster, to which a worker is added.
    struct Situation: Sendable, CustomTestStringConvertible {
        var sequences: Int
        var workers: Int
        var agreement: Double
        var roundTrip = 1.0

        var testDescription: String {
            "\(sequences) sequences, \(workers) workers, \(agreement) right, \(roundTrip) ms"
        }
    }

    private static let situations = [
        Situation(sequences: 4, workers: 1, agreement: 0.9),
        Situation(sequences: 4, workers: 2, agreement: 0.9),
        Situation(sequences: 4, workers: 3, agreement: 0.6),
        Situation(sequences: 4, workers: 3, agreement: 0.8, roundTrip: 20),
        Situation(sequences: 16, workers: 7, agreement: 0.6),
    ]

    /// What simulated clusters reach, with passes of 24 + 0.2 × rows milliseconds.
    private static func measure(
        _ situation: Situation,
        workers: [Int],
        seed: UInt64 = 1
    ) throws -> [ClusterBenchmark.Measurement] {
        var settings = ClusterBenchmark.Settings(costs: try .linear(base: 24, perRow: 0.2))
        settings.workers = workers
        settings.sequences = [situation.sequences]
        settings.agreements = [situation.agreement]
        settings.roundTrips = [situation.roundTrip]
        settings.seconds = 5
        settings.forecasts = 2
        settings.jobs = 2
        settings.seed = seed
        return try ClusterBenchmark(settings).run()
    }

    /// The difference of two runs is known to about an eighth, so it takes the mean of some.
    @Test(arguments: situations)
    func theForecastIsWithinAFifthOfWhatAddingTheWorkerBrings(situation: Situation) throws {
        let seeds = 1...2 as ClosedRange<UInt64>
        var (forecast, gain) = (0.0, 0.0)
        for seed in seeds {
            let results = try Self.measure(situation, workers: [situation.workers, situation.workers + 1], seed: seed)
            forecast += try #require(results[0].marginalGain) / Double(seeds.count)
            gain += (results[1].tokensPerSecond - results[0].tokensPerSecond) / Double(seeds.count)
        }
        #expect(abs(forecast - gain) <= 0.2 * gain, "forecast \(forecast), and it brought \(gain)")
    }

    @Test func aWorkerMoreThanThereAreSequencesBringsNothing() throws {
        let situation = Situation(sequences: 4, workers: 4, agreement: 0.9)
        let results = try Self.measure(situation, workers: [4, 5])
        #expect(results[0].marginalGain == 0)
        #expect(abs(results[1].tokensPerSecond - results[0].tokensPerSecond) < 0.03 * results[0].tokensPerSecond)
    }

    @Test func aSecondWorkerWithTheSameDrafterBringsOneSequenceNothing() throws {
        let situation = Situation(sequences: 1, workers: 1, agreement: 0.8)
        let results = try Self.measure(situation, workers: [1, 2])
        #expect(results[0].marginalGain == 0)
        #expect(results[1].tokensPerSecond < 1.03 * results[0].tokensPerSecond)
    }

    @Test func nothingIsForecastBeforeAnyWorkerHasDrafted() throws {
        let situation = Situation(sequences: 2, workers: 0, agreement: 0.9)
        #expect(try Self.measure(situation, workers: [0]).map(\.marginalGain) == [nil])
    }
}
