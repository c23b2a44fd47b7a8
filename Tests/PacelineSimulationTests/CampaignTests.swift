import PacelineCluster
import PacelineSpeculation
import Testing

@testable import PacelineSimulation

@Suite("Simulated clusters")
struct CampaignTests {
    @Test("keep every promise under every fault")
    func swarm() throws {
        let report = try Campaign(Campaign.Settings(seeds: 1...250, jobs: 2)).run()
        #expect(
            report.failure == nil,
            "seed \(report.failure?.seed ?? 0): \(String(describing: report.failure?.violation))"
        )
        #expect(report.statistics.tokens > 5000)
        #expect(report.statistics.acceptedTokens > 500)
        #expect(report.repeated > 0)
        // The receiver noticed every corruption, or the connection ended for another reason before the frame was whole.
        let statistics = report.statistics
        #expect(statistics.poisonDelivered == statistics.poisonDetected + statistics.poisonOutlived)
        #expect(statistics.poisonDetected > 20 * statistics.poisonOutlived)
        for kind in FaultKind.allCases where kind.isScheduled && kind != .hang {
            #expect(report.statistics.faults[kind, default: 0] > 5, "\(kind) hardly struck")
        }
        // Some seeds give an extreme scenario too.
        for kind: FaultKind in [.contention, .engineFailure] {
            #expect(report.statistics.faults[kind, default: 0] > 0, "\(kind) never struck")
        }
        #expect(report.statistics.reusedTokens > 0)
    }

    @Test("go the same way whatever the number of threads", arguments: [1, 3])
    func threads(jobs: Int) throws {
        var settings = Campaign.Settings(seeds: 1...40, jobs: jobs)
        settings.determinismShare = 0
        let report = try Campaign(settings).run()
        settings.jobs = 2
        let other = try Campaign(settings).run()
        #expect(report.trace == other.trace)
        // To the last bit of every sum.
        #expect(report.statistics == other.statistics)
    }

    @Test("suffer no fault that is not allowed")
    func allowed() throws {
        var settings = Campaign.Settings(seeds: 1...60, jobs: 2)
        settings.allowed = [.kill, .corrupt]
        let report = try Campaign(settings).run()
        #expect(report.failure == nil)
        #expect(Set(report.statistics.faults.keys) == [.kill, .corrupt])
    }

    @Test("catch a verifier that waits for drafts longer than it promises")
    func canary() throws {
        // A verifier that may wait ten times as long as promised must be caught …
        let slow = try (1...400 as ClosedRange<UInt64>).first { seed in
            try Self.violation(seed: seed, maximumWait: .milliseconds(500)) == .delay
        }
        let seed = try #require(slow)
        // … and must pass when it keeps the promise.
        #expect(try Self.violation(seed: seed, maximumWait: .milliseconds(50)) == nil)
    }

    /// The first promise that a verifier breaks which always waits for its workers, up to a limit.
    private static func violation(seed: UInt64, maximumWait: Duration) throws -> Violation.Promise? {
        var scenario = try Scenario.swarm(seed: seed, allowed: [.pause, .straggle])
        scenario.verifier.maximumWait = maximumWait
        scenario.verifier.waitsForWorkers = true
        let simulation = try Simulation(scenario)
        simulation.run()
        return simulation.violation?.promise
    }
}
