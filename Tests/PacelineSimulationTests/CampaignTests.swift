import PacelineCluster
import PacelineSpeculation
import PacelineTestTraits
import Testing

@testable import PacelineSimulation

@Suite("Simulated clusters", .computing)
struct CampaignTests {
    @Test("keep every promise under every fault")
    func swarm() throws {
        let report = try Campaign(Campaign.Settings(seeds: 1...120, jobs: 2)).run()
        #expect(
            report.failure == nil,
            "seed \(report.failure?.seed ?? 0): \(String(describing: report.failure?.violation))"
        )
        #expect(report.statistics.tokens > 4000)
        #expect(report.statistics.acceptedTokens > 500)
        #expect(report.repeated > 0)
        // The receiver noticed every corruption, or the connection ended for another reason before the frame was whole.
        let statistics = report.statistics
        #expect(statistics.poisonDelivered == statistics.poisonDetected + statistics.poisonOutlived)
        #expect(statistics.poisonDetected > 20 * statistics.poisonOutlived)
        for kind in FaultKind.allCases where kind.isScheduled && kind != .hang {
            #expect(report.statistics.faults[kind, default: 0] > 2, "\(kind) hardly struck")
        }
        // Some seeds give an extreme scenario too.
        for kind: FaultKind in [.contention, .engineFailure] {
            #expect(report.statistics.faults[kind, default: 0] > 0, "\(kind) never struck")
        }
        #expect(report.statistics.reusedTokens > 0)
    }

    /// What broke a promise once: a reading pause that outlasted a clock's going back; drafts of a process that had
    /// ended counted as kept; a frame that had overtaken another and was lost; a request that was opened again at a
    /// worker while this gave it up.
    @Test("keep every promise with seeds that once broke one", arguments: [UInt64(185), 3018, 5888, 7112, 7621])
    func mended(seed: UInt64) throws {
        var settings = Campaign.Settings(seeds: seed...seed, jobs: 1)
        settings.determinismShare = 0
        #expect(try Campaign(settings).run().failure == nil)
    }

    @Test("go the same way whatever the number of threads")
    func threads() throws {
        let reports = try [1, 2, 3].map { jobs in
            var settings = Campaign.Settings(seeds: 1...20, jobs: jobs)
            settings.determinismShare = 0
            return try Campaign(settings).run()
        }
        for report in reports.dropFirst() {
            #expect(report.trace == reports[0].trace)
            // To the last bit of every sum.
            #expect(report.statistics == reports[0].statistics)
        }
    }

    @Test("suffer no fault that is not allowed")
    func allowed() throws {
        var settings = Campaign.Settings(seeds: 1...30, jobs: 2)
        settings.allowed = [.kill, .corrupt]
        let report = try Campaign(settings).run()
        #expect(report.failure == nil)
        #expect(Set(report.statistics.faults.keys) == [.kill, .corrupt])
    }
}
