import Testing

@testable import PacelineCluster

@Suite("The usefulness of a worker")
struct UsefulnessTests {
    @Test("gives a worker that agrees all the credit it can use, and one that never does none but for probes")
    func credit() {
        var (good, bad) = (Usefulness(), Usefulness())
        #expect(good.credit(limit: 256) == 256)
        var probes = 0
        for _ in 0..<640 {
            good.record(agreed: 5, nodes: 80, isHeard: true)
            bad.record(agreed: 0, nodes: 80, isHeard: true)
            if bad.isResting, bad.credit(limit: 256) > 0 { probes += 1 }
        }
        #expect(good.credit(limit: 256) == 256)
        #expect(bad.isResting && bad.lastFailure == 0)
        #expect(probes > 30 && probes < 100)
    }

    @Test(
        "sends a worker to rest early that is always wrong, but neither one that comes too late nor one that was right once"
    )
    func refuted() {
        var (wrong, late, mixed) = (Usefulness(), Usefulness(), Usefulness())
        mixed.record(agreed: 1, nodes: 9, isHeard: true)
        for _ in 0..<12 {
            wrong.record(agreed: 0, nodes: 9, isHeard: true)
            late.record(agreed: 0, nodes: 0, isHeard: true)
            mixed.record(agreed: 0, nodes: 9, isHeard: true)
        }
        #expect(wrong.isResting && !late.isResting && !mixed.isResting)
    }

    @Test("gives credit by accepted tokens per node")
    func yield() {
        func credit(agreed: Int, nodes: Int) -> Int {
            var worker = Usefulness()
            for _ in 0..<100 { worker.record(agreed: agreed, nodes: nodes, isHeard: true) }
            return worker.credit(limit: 512)
        }
        #expect(credit(agreed: 4, nodes: 256) == 512)
        #expect(credit(agreed: 1, nodes: 256) == 512)
        // One token in 512 nodes: no more than one in 128 would need, four times over.
        #expect(credit(agreed: 1, nodes: 512) == 512)
        #expect(credit(agreed: 1, nodes: 20) == 128)
        var poor = Usefulness()
        for verdict in 0..<200 { poor.record(agreed: verdict % 4 == 0 ? 1 : 0, nodes: 500, isHeard: true) }
        #expect(poor.credit(limit: 512) < 256)
    }

    @Test("does not hold silence against a worker that may still be reading the prompt")
    func reading() {
        var worker = Usefulness()
        for _ in 0..<200 { worker.record(agreed: 0, nodes: 0, isHeard: false) }
        #expect(!worker.isResting && worker.credit(limit: 256) == 256)
    }

    @Test("believes a resting worker again at its first success")
    func redemption() {
        var worker = Usefulness()
        for _ in 0..<100 { worker.record(agreed: 0, nodes: 9, isHeard: true) }
        #expect(worker.isResting)
        worker.record(agreed: 2, nodes: 9, isHeard: true)
        #expect(!worker.isResting && worker.credit(limit: 256) == 256)
    }
}
