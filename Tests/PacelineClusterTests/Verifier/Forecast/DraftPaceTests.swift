import PacelineSpeculation
import Testing

@testable import PacelineCluster

@Suite("The pace of drafts")
struct DraftPaceTests {
    private static func pace(of intervals: [Int], final: Set<Int> = []) -> DraftPace {
        var (pace, now) = (DraftPace(), Instant.zero)
        for (index, interval) in intervals.enumerated() {
            now = now + .milliseconds(interval)
            pace.heard(isFinal: final.contains(index), now: now)
        }
        return pace
    }

    @Test func isUnknownAtFirstAndThenTheIntervalBetweenDeltas() throws {
        #expect(Self.pace(of: [10, 10, 10]).stepMilliseconds == nil)
        let step = try #require(Self.pace(of: Array(repeating: 10, count: 20)).stepMilliseconds)
        #expect(abs(step - 10) < 0.001)
    }

    @Test func pausesAfterAFinalTreeDoNotCount() throws {
        let intervals = (0..<40).map { $0 % 4 == 0 ? 500 : 10 }
        let step = try #require(Self.pace(of: intervals, final: Set((0..<40).filter { $0 % 4 == 3 })).stepMilliseconds)
        #expect(abs(step - 10) < 0.001)
    }

    @Test func oneStallHardlyMatters() throws {
        var intervals = Array(repeating: 10, count: 40)
        intervals[30] = 5000
        let step = try #require(Self.pace(of: intervals).stepMilliseconds)
        #expect(abs(step - 10) < 1)
    }
}

@Suite("Acceptance by rank")
struct RankedAcceptanceTests {
    private static func tree(_ paths: [[Token]]) throws -> TokenTree {
        var tree = TokenTree(limits: TreeLimits(nodes: 64, depth: 8, vocabularySize: 64))
        for path in paths {
            var parent: NodeIndex?
            for token in path {
                parent = try tree.insert(.init(parent: parent, token: token, logProbability: -1)).0
            }
        }
        return tree
    }

    @Test func isTheShareOfTokensThatWereTheChildOfEachRank() throws {
        var ranked = RankedAcceptance()
        let tree = try Self.tree([[1, 2], [3], [1, 4]])
        #expect(ranked.shares == nil)
        for _ in 0..<20 {
            ranked.learn([1, 4, 9], on: tree)
            ranked.learn([3], on: tree)
            ranked.learn([7], on: tree)
        }
        // At the base: first, second, neither. Below 1: second, and after that nothing was drafted.
        let shares = try #require(ranked.shares)
        #expect(abs(shares[0] - 0.25) < 0.01 && abs(shares[1] - 0.5) < 0.01)
        #expect(shares[2...].allSatisfy { $0 == 0 })
    }

    @Test func aNodeWithoutChildrenSaysNothing() throws {
        var ranked = RankedAcceptance()
        let empty = try Self.tree([])
        let leaf = try Self.tree([[1]])
        for _ in 0..<100 {
            ranked.learn([5], on: empty)
            ranked.learn([1, 2], on: leaf)
        }
        #expect(try #require(ranked.shares?.first) > 0.999)
    }
}
