import PacelineSpeculation
import PacelineWire
import Testing

@testable import PacelineCluster

@Suite("Outcome shards")
struct ShardTests {
    @Test("are told anew when they change, and only then")
    func deals() {
        var board = TreeBoard(limits: TreeLimits())
        let worker = LinkID(rawValue: 1)
        board.add(worker, credit: 8)
        let half = OutcomeShard(index: 0, count: 2)
        #expect(board.deal(.whole, to: worker) == nil)
        #expect(board.deal(half, to: worker) == half)
        #expect(board.deal(half, to: worker) == nil)
        #expect(board.deal(.whole, to: worker) == .whole)
        #expect(board.deal(half, to: LinkID(rawValue: 2)) == nil)
    }
}
