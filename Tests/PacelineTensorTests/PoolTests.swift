import CPacelineKernels
import Foundation
import PacelineTensor
import Synchronization
import Testing

@Suite("Thread pool")
struct PoolTests {
    /// How often each item was computed. Threads write different elements, so plain memory would do if the pool is
    /// right; atomics make a wrong one visible.
    private final class Tally: Sendable {
        private let counts: [Counter]

        private final class Counter: Sendable {
            let value = Atomic<Int>(0)
        }

        init(_ items: Int) {
            counts = (0..<items).map { _ in Counter() }
        }

        func add(_ item: Int) { counts[item].value.add(1, ordering: .relaxed) }
        var values: [Int] { counts.map { $0.value.load(ordering: .relaxed) } }
    }

    @Test("computes every item exactly once", arguments: 1...8)
    func everyItemOnce(threads: Int) throws {
        let pool = try ThreadPool(threads: threads)
        #expect(pool.threads == threads)
        for items in [0, 1, 2, 3, threads - 1, threads, threads + 1, 10, 97, 1_000] {
            let tally = Tally(items)
            pool.run(items: items) { tally.add($0) }
            #expect(tally.values.allSatisfy { $0 == 1 }, "\(items) items")
        }
    }

    @Test("has finished everything when a run returns, run after run", arguments: [2, 3, 5])
    func manyRuns(threads: Int) throws {
        let pool = try ThreadPool(threads: threads)
        let results = UnsafeMutableBufferPointer<Int>.allocate(capacity: 37)
        defer { results.deallocate() }
        for run in 0..<3_000 {
            let items = 2 + run % 36
            pool.run(items: items) { results[$0] = run &* 41 &+ $0 }
            guard (0..<items).allSatisfy({ results[$0] == run &* 41 &+ $0 }) else {
                Issue.record("run \(run) returned before its items were done")
                return
            }
        }
    }

    @Test("does its runs whatever is expected of the next", arguments: [1, 2, 4])
    func expectations(threads: Int) throws {
        let pool = try ThreadPool(threads: threads)
        let alive = UnsafeMutableRawPointer.allocate(byteCount: 1 << 20, alignment: 64)
        // What is expected is fetched and not read, so that it may be gone by then, or never have been there.
        let gone = UnsafeMutableRawPointer.allocate(byteCount: 1 << 22, alignment: 64)
        gone.deallocate()
        defer { alive.deallocate() }
        for data in [alive, gone, UnsafeMutableRawPointer(bitPattern: 64), nil, alive] {
            // Into the fetching, to its end, and to where workers sleep.
            for pause: UInt32 in [0, 20, 2_000] {
                for thread in 0..<Int32(threads) { pl_pool_expect(pool.raw, thread, data, 1 << 20) }
                for _ in 0..<3 {
                    let tally = Tally(64)
                    pool.run(items: 64) { tally.add($0) }
                    #expect(tally.values.allSatisfy { $0 == 1 })
                    usleep(pause)
                }
            }
        }
    }

    @Test("wakes workers that have gone to sleep")
    func sleepingWorkers() throws {
        let pool = try ThreadPool(threads: 3)
        for _ in 0..<20 {
            // Far longer than workers poll for.
            usleep(2_000)
            let tally = Tally(50)
            pool.run(items: 50) { tally.add($0) }
            #expect(tally.values.allSatisfy { $0 == 1 })
        }
    }

    @Test("lets idle threads take over the items of a slow one")
    func stealing() throws {
        let pool = try ThreadPool(threads: 2)
        // Item 0 ends only when all others have: whoever holds it must not keep a single other item.
        let done = Atomic<Int>(0)
        pool.run(items: 64) { item in
            if item == 0 {
                while done.load(ordering: .acquiring) < 63 { sched_yield() }
            } else {
                done.add(1, ordering: .releasing)
            }
        }
        #expect(done.load(ordering: .relaxed) == 63)
    }

    @Test("names threads 0 ..< threads for scratch memory")
    func threadNumbers() throws {
        let pool = try ThreadPool(threads: 4)
        let used = UnsafeMutablePointer<Int32>.allocate(capacity: 500)
        defer { used.deallocate() }
        withExtendedLifetime(pool) {
            pl_pool_run(
                pool.raw,
                500,
                { context, item, thread in context!.assumingMemoryBound(to: Int32.self)[Int(item)] = thread },
                used
            )
        }
        #expect((0..<500).allSatisfy { (0..<4).contains(used[$0]) })
    }

    @Test("refuses a size that no machine has", arguments: [0, -1, 1_000_000, Int.max, Int.min])
    func wrongSize(threads: Int) {
        let error = #expect(throws: ThreadPoolError.self) { try ThreadPool(threads: threads) }
        #expect(error?.description.contains("\(threads)") == true)
    }
}
