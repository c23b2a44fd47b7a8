import PacelineSpeculation
import Synchronization
import Testing

@testable import PacelineCluster

@Suite("The feed of rounds")
struct RoundFeedTests {
    private static func record(_ request: UInt64, _ number: Int, hasTree: Bool = false) -> RoundRecord {
        let moment = Instant(nanoseconds: UInt64(number) * 1000 + request)
        return RoundRecord(
            request: RequestID(rawValue: request),
            number: number,
            work: .verify(verified: 0, accepted: 0, tokens: [5]),
            length: 7,
            ready: moment,
            began: moment,
            ended: moment,
            cost: PassCost(rows: 1, sequences: 1, milliseconds: 2),
            drafts: [],
            tree: hasTree ? RoundTree(nodes: [], omitted: 0, workers: [], correction: 5) : nil
        )
    }

    @Test func aSlowViewerMissesRoundsAndKeepsTheLatest() throws {
        let feed = RoundFeed()
        let viewer = try #require(feed.join())
        viewer.watch(RequestID(rawValue: 3))
        for number in 1...1000 { feed.add(Self.record(3, number, hasTree: number % 10 == 0)) }
        let frame = viewer.take()
        #expect(frame.rounds.map(\.number) == Array(937...1000))
        #expect(frame.rounds.allSatisfy { $0.tree == nil })
        #expect(frame.tree?.number == 1000)
        #expect(frame.passes.count == 64)
        #expect(viewer.take().rounds.isEmpty)
    }

    @Test func aViewerSeesTheRoundsOfItsRequestAndThePassesOfAll() throws {
        let feed = RoundFeed()
        let viewer = try #require(feed.join())
        viewer.watch(RequestID(rawValue: 3))
        for number in 1...4 {
            feed.add(Self.record(3, number))
            feed.add(Self.record(4, number, hasTree: true))
        }
        let frame = viewer.take()
        #expect(frame.rounds.map(\.number) == [1, 2, 3, 4])
        #expect(frame.tree == nil)
        #expect(frame.passes.count == 8)
    }

    @Test func whatIsWatchedFollowsTheViewers() throws {
        let feed = RoundFeed()
        let changes = Mutex(0)
        feed.onChange { changes.withLock { $0 += 1 } }
        #expect(feed.watched == nil)
        var viewer = feed.join()
        #expect(feed.watched == [])
        viewer?.watch(RequestID(rawValue: 3))
        viewer?.watch(RequestID(rawValue: 3))
        #expect(feed.watched == [RequestID(rawValue: 3)])
        viewer = nil
        #expect(feed.watched == nil)
        #expect(changes.withLock { $0 } == 3)
    }

    @Test func thereAreSoManyViewersAtOnce() {
        let feed = RoundFeed()
        var viewers = (0..<RoundFeed.viewerLimit).map { _ in feed.join() }
        #expect(viewers.allSatisfy { $0 != nil })
        #expect(feed.join() == nil)
        viewers.removeLast()
        #expect(feed.join() != nil)
    }
}
