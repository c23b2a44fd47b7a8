import Testing

@testable import PacelineCluster

@Suite("The yield of a worker")
struct WorkerYieldTests {
    @Test("earns a worker that is right all the credit it can use, and one that never is only probes")
    func credit() {
        var (good, bad) = (WorkerYield(), WorkerYield())
        #expect(good.credit(limit: 256) == 32)
        var probes = 0
        for _ in 0..<640 {
            good.record(agreed: 5, nodes: 80, isHeard: true)
            bad.record(agreed: 0, nodes: 80, isHeard: true)
            if bad.isResting, bad.credit(limit: 256) > 0 { probes += 1 }
        }
        #expect(good.credit(limit: 256) == 256)
        #expect(bad.isResting && bad.lastFailure == 0)
        #expect(probes > 12 && probes < 40)
    }

    @Test("doubles a stranger's credit with each verdict that finds it right, and only then")
    func start() {
        var worker = WorkerYield()
        worker.record(agreed: 0, nodes: 9, isHeard: true)
        #expect(worker.credit(limit: 256) == 32)
        let credits = (0..<4).map { _ in
            worker.record(agreed: 1, nodes: 9, isHeard: true)
            return worker.credit(limit: 256)
        }
        #expect(credits == [64, 128, 256, 256])
        #expect(WorkerYield().credit(limit: 8) == 8)
    }

    @Test("leads to ever rarer probes of a worker that rests, until it succeeds")
    func probing() {
        /// Verdicts from one probe's beginning to the next one's, while it is always wrong.
        func pauses(_ worker: inout WorkerYield, count: Int) -> [Int] {
            var begun: [Int] = []
            var hadCredit = true
            for verdict in 0..<2_000 where begun.count <= count {
                worker.record(agreed: 0, nodes: 9, isHeard: true)
                let hasCredit = !worker.isResting || worker.credit(limit: 256) > 0
                if hasCredit, !hadCredit { begun.append(verdict) }
                hadCredit = hasCredit
            }
            return zip(begun, begun.dropFirst()).map { $1 - $0 }
        }
        var worker = WorkerYield()
        #expect(pauses(&worker, count: 4) == [128, 256, 256, 256])
        worker.record(agreed: 1, nodes: 9, isHeard: true)
        #expect(!worker.isResting)
        #expect(pauses(&worker, count: 1) == [128])
    }

    @Test(
        "rests a worker early that is always wrong, but neither one that comes too late nor one that was right once"
    )
    func refuted() {
        var (wrong, late, mixed) = (WorkerYield(), WorkerYield(), WorkerYield())
        mixed.record(agreed: 1, nodes: 9, isHeard: true)
        for _ in 0..<12 {
            wrong.record(agreed: 0, nodes: 9, isHeard: true)
            late.record(agreed: 0, nodes: 0, isHeard: true)
            mixed.record(agreed: 0, nodes: 9, isHeard: true)
        }
        #expect(wrong.isResting && !late.isResting && !mixed.isResting)
    }

    @Test("earns credit by accepted tokens per node")
    func yield() {
        func credit(agreed: Int, nodes: Int) -> Int {
            var worker = WorkerYield()
            for _ in 0..<100 { worker.record(agreed: agreed, nodes: nodes, isHeard: true) }
            return worker.credit(limit: 512)
        }
        #expect(credit(agreed: 4, nodes: 256) == 512)
        #expect(credit(agreed: 1, nodes: 256) == 512)
        // One token in 512 nodes: no more than one in 128 would need, four times over.
        #expect(credit(agreed: 1, nodes: 512) == 512)
        #expect(credit(agreed: 1, nodes: 20) == 128)
        var poor = WorkerYield()
        for verdict in 0..<200 { poor.record(agreed: verdict % 4 == 0 ? 1 : 0, nodes: 500, isHeard: true) }
        #expect(poor.credit(limit: 512) < 256)
    }

    @Test("is not lowered by the silence of a worker that may still be reading the prompt")
    func reading() {
        var worker = WorkerYield()
        for _ in 0..<200 { worker.record(agreed: 0, nodes: 0, isHeard: false) }
        #expect(!worker.isResting && worker.credit(limit: 256) == 32)
    }

    @Test("ends a worker's rest at its first success")
    func redemption() {
        var worker = WorkerYield()
        for _ in 0..<100 { worker.record(agreed: 0, nodes: 9, isHeard: true) }
        #expect(worker.isResting)
        worker.record(agreed: 2, nodes: 9, isHeard: true)
        #expect(!worker.isResting && worker.credit(limit: 256) == 64)
    }
}
