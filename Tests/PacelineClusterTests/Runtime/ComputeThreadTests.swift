import Foundation
import NIOCore
import NIOEmbedded
import Testing

@testable import PacelineCluster

@Suite("A mailbox")
struct MailboxTests {
    @Test("hands over what it was given, in order")
    func order() {
        let box = Mailbox<Int>(capacity: 3)
        #expect((1...3).allSatisfy(box.offer))
        #expect((1...3).map { _ in box.take() } == [1, 2, 3])
    }

    @Test("refuses what it has no room for, and takes more once there is room")
    func bounded() {
        let box = Mailbox<Int>(capacity: 1)
        #expect(box.offer(1) && !box.offer(2))
        #expect(box.take() == 1)
        #expect(box.offer(3))
        #expect(box.take() == 3)
    }

    @Test("drops what it holds when it is closed, and takes nothing more")
    func closed() {
        let box = Mailbox<Int>(capacity: 2)
        #expect(box.offer(1))
        box.close()
        #expect(box.take() == nil && !box.offer(2))
    }

    @Test("lets a thread that waits go on when something comes, and when it is closed", .timeLimit(.minutes(5)))
    func waiting() async {
        let box = Mailbox<Int>(capacity: 1)
        let (taken, source) = AsyncStream.makeStream(of: Int?.self)
        Thread.detachNewThread {
            source.yield(box.take())
            source.yield(box.take())
        }
        var values = taken.makeAsyncIterator()
        #expect(box.offer(7))
        #expect(await values.next() == .some(7))
        box.close()
        #expect(await values.next() == .some(nil))
    }
}

@Suite("A compute thread", .timeLimit(.minutes(5)))
struct ComputeThreadTests {
    private struct Broken: Error {}

    @Test("says what it has loaded, then carries out one job after the other, and ends when it is stopped")
    func jobs() async throws {
        let loop = NIOAsyncTestingEventLoop()
        let loaded = loop.makePromise(of: String.self)
        let (reports, source) = AsyncStream.makeStream(of: Int.self)
        let thread = ComputeThread<Int, Int>(
            name: "test",
            load: { _ in
                var total = 0
                return (
                    "an adder",
                    {
                        total += $0
                        return total
                    }
                )
            },
            loaded: loaded,
            report: { source.yield($0) }
        )
        #expect(try await loaded.futureResult.get() == "an adder")
        var totals = reports.makeAsyncIterator()
        for (job, total) in [(1, 1), (2, 3), (4, 7)] {
            #expect(thread.offer(job))
            #expect(await totals.next() == total)
        }
        thread.stop()
        #expect(!thread.offer(1))
        #expect(await thread.end())
        await loop.shutdownGracefully()
    }

    @Test("tells why it could not load, and ends")
    func failure() async throws {
        let loop = NIOAsyncTestingEventLoop()
        let loaded = loop.makePromise(of: Void.self)
        let thread = ComputeThread<Int, Int>(
            name: "test",
            load: { _ in throw Broken() },
            loaded: loaded,
            report: { _ in Issue.record("a job was carried out") }
        )
        await #expect(throws: Broken.self) { try await loaded.futureResult.get() }
        #expect(await thread.end())
        await loop.shutdownGracefully()
    }

    @Test("does not hold its owner up with a job that does not end")
    func stuck() async throws {
        let loop = NIOAsyncTestingEventLoop()
        let loaded = loop.makePromise(of: Void.self)
        let block = Mailbox<Int>(capacity: 1)
        let (begun, source) = AsyncStream.makeStream(of: Void.self)
        let thread = ComputeThread<Int, Int?>(
            name: "test",
            load: { _ in
                (
                    (),
                    { _ in
                        source.yield()
                        return block.take()
                    }
                )
            },
            loaded: loaded,
            report: { _ in }
        )
        try await loaded.futureResult.get()
        #expect(thread.offer(1))
        var beginnings = begun.makeAsyncIterator()
        #expect(await beginnings.next() != nil)
        // One job may wait beside the one at hand.
        #expect(thread.offer(2) && !thread.offer(3))
        thread.stop()
        #expect(await !thread.end())
        block.close()
        while await !thread.end() {}
        await loop.shutdownGracefully()
    }
}
