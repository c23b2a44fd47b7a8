import PacelineCluster
import PacelineSpeculation
import PacelineTestTraits
import Testing

@testable import PacelineSimulation

@Suite("The benchmark of fleets", .computing)
struct FleetBenchmarkTests {
    private func results(
        _ fleets: [FleetBenchmark.Fleet],
        _ change: (inout FleetBenchmark.Settings) -> Void = { _ in }
    ) throws -> [FleetBenchmark.Measurement] {
        try benchmark(fleets, change).run()
    }

    private func benchmark(
        _ fleets: [FleetBenchmark.Fleet],
        _ change: (inout FleetBenchmark.Settings) -> Void = { _ in }
    ) throws -> FleetBenchmark {
        var ticks: UInt64 = 0
        var settings = FleetBenchmark.Settings(
            costs: try .linear(base: 40, perRow: 0.2),
            fleets: fleets,
            clock: {
                ticks += 1000
                return ticks
            },
            heapBytes: { 0 }
        )
        settings.seconds = 0.5
        change(&settings)
        return FleetBenchmark(settings)
    }

    @Test("Twice the verifiers, workers and sequences bring twice the tokens")
    func growth() throws {
        let results = try results([
            .init(verifiers: 1, workers: 2, sequences: 4), .init(verifiers: 4, workers: 8, sequences: 16),
        ])
        let ratio = results[1].tokensPerSecond / results[0].tokensPerSecond
        #expect(ratio > 3.6 && ratio < 4.4)
        #expect(results.allSatisfy { $0.linksOfVerifier == 2 })
    }

    @Test("A gateway gives each verifier its share of the requests, and beginnings that are alike to one verifier")
    func placement() {
        func shares(_ requests: [Scenario.Request]) -> [Int] {
            var requests = requests
            FleetPlacement.place(&requests, among: 4)
            return (0..<4).map { verifier in requests.count { $0.verifier == verifier } }.sorted()
        }
        let short = (0..<10).map { Scenario.Request(prompt: [1], seed: $0, maximumTokens: 5000) }
        #expect(shares(short) == [2, 2, 3, 3])
        let prompt = (0..<200).map { Token(10 + $0 % 50) }
        let alike = (0..<10).map { Scenario.Request(prompt: prompt, seed: $0, maximumTokens: 20) }
        #expect(shares(alike) == [0, 0, 0, 10])
    }

    @Test("Without workers nothing is drafted and no byte is on a link")
    func plain() throws {
        let result = try #require(try results([.init(verifiers: 2, workers: 0, sequences: 4)]).first)
        #expect(result.uselessShare == 0 && result.linkBytesPerAcceptedToken == 0 && result.linksOfVerifier == 0)
        #expect(result.busyShare > 0.9)
    }

    @Test("A worker drafts for as many verifiers as it should, and more than production's limit may connect")
    func links() throws {
        let fleet = FleetBenchmark.Fleet(verifiers: 4, workers: 4, sequences: 1)
        let result = try #require(
            try results([fleet]) {
                $0.verifiersPerWorker = 2
                $0.seconds = 0.1
            }.first
        )
        #expect(result.linksOfVerifier == 2)
        let large = FleetBenchmark.Fleet(verifiers: 2, workers: 260, sequences: 1)
        let limits = try benchmark([large]) { $0.verifiersPerWorker = 2 }.scenario(large).verifier
        #expect(limits.workerLimit >= 260 && limits.pendingLimit >= 260 && VerifierConfiguration().workerLimit < 260)
    }

    /// Milliseconds of deciding for each pass, if deciding on an event takes so many nanoseconds.
    private func deciding(nanoseconds: UInt64) throws -> Double {
        var (ticks, reads): (UInt64, Int) = (0, 0)
        let results = try results([FleetBenchmark.Fleet(verifiers: 1, workers: 1, sequences: 1)]) { settings in
            settings.clock = {
                reads += 1
                // Reading the clock takes a while, too. It is read before and after each event.
                ticks += 1000
                let isAfterEvent = reads > MachineMeter.trialReads && reads.isMultiple(of: 2)
                if isAfterEvent { ticks += nanoseconds }
                return ticks
            }
        }
        return try #require(results.first).decidingMilliseconds
    }

    @Test("Deciding that takes twice as long is shown as that, and reading the clock is no part of it")
    func deciding() throws {
        #expect(try deciding(nanoseconds: 0) == 0)
        let once = try deciding(nanoseconds: 3000)
        // A pass has several events.
        #expect(once > 2 * 0.003 && once < 1)
        #expect(try deciding(nanoseconds: 6000) == 2 * once)
    }
}
