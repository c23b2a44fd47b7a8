import PacelineSpeculation
import PacelineWire
import Testing

@testable import PacelineCluster

@Suite("A worker in numbers")
struct WorkerSnapshotTests {
    @Test func connectionsAreCountedAsMadeAndAsLostOnlyAgainstItsWill() {
        var group = VerifierGroup([1, 2, 3])
        group.kill(1)
        group.tell(.verifiers([VerifierGroup.endpoint(1), VerifierGroup.endpoint(2)]))
        let tally = group.worker.snapshot(now: group.now).tally
        #expect(tally.connectionsMade == 3 && tally.connectionsLost == 1)
    }

    @Test func aWorkerWithoutAnyVerifierSaysWhyAndOneVerifierIsEnough() {
        var group = VerifierGroup([1, 2])
        #expect(group.worker.snapshot(now: group.now).obstacle == nil)
        group.kill(1)
        #expect(group.worker.snapshot(now: group.now).obstacle == nil)
        group.kill(2)
        let obstacle = group.worker.snapshot(now: group.now).obstacle
        #expect(obstacle == "not connected to verifier:1 (and 1 more): the peer closed the connection")
        group.pass(.seconds(1))
        let later = group.worker.snapshot(now: group.now).obstacle
        #expect(later?.hasSuffix("the other side cannot be reached: nothing listens there") == true)
    }

    @Test func sequencesThatAreAskedForNothingAreCountedByTheVerifiersReason() {
        var group = VerifierGroup([1])
        group.open(1, from: 1)
        group.open(2, from: 1)
        #expect(group.worker.snapshot(now: group.now).resting.isEmpty)
        let base: [Token] = [1, 2, 3]
        var verdict = Message.Verdict(
            request: 2,
            epoch: 1,
            baseLength: 4,
            baseHash: BaseHash(base + [9]),
            tokens: [9],
            verifiedNodes: 6,
            acceptedNodes: 0,
            credit: 0
        )
        verdict.rest = .slower
        group.say(.verdict(verdict), from: 1)
        let snapshot = group.worker.snapshot(now: group.now)
        #expect(snapshot.sequences == 2 && snapshot.resting == [.slower: 1] && snapshot.tally.verifiedNodes == 6)
    }

    @Test func theRateOfEventsIsTheirNumberASecond() {
        var rate = EventRate()
        #expect(rate.perSecond(now: .zero) == 0)
        var now = Instant.zero
        for _ in 0..<600 {
            now = now + .milliseconds(100)
            rate.record(5, now: now)
        }
        #expect(abs(rate.perSecond(now: now) - 50) < 1)
        // It has faded when nothing has come for a while.
        #expect(rate.perSecond(now: now + .seconds(60)) < 0.2)
    }

    @Test func theRateOfTheFirstSecondsIsNotTooLow() {
        var rate = EventRate()
        for step in 1...20 { rate.record(5, now: .zero + .milliseconds(100 * step)) }
        #expect(abs(rate.perSecond(now: .zero + .seconds(2)) - 50) < 5)
    }

    @Test func nodesThatAreSentAgainAfterAVerdictWereDraftedOnce() throws {
        var host = DraftHost(source: TwoTokenSource())
        let base: [Token] = [1]
        let id = DraftSessionID(rawValue: 1)
        let limits = TreeLimits(nodes: 64, depth: 8, vocabularySize: 64)
        let opening = DraftJob.Opening(base: base, sampling: .greedy, limits: limits)
        let policy = GrowthPolicy(nodes: 64, verified: 64, minimumProbability: 0, depth: 8, width: 2)
        func turn(_ opening: DraftJob.Opening?, _ committed: [Token]) throws -> DraftResult {
            let turn = DraftJob.Turn(session: id, opening: opening, committed: committed, policy: policy)
            let result = host.perform(DraftJob(closings: [], turn: turn))
            return try #require(result)
        }
        let first = try turn(opening, [])
        #expect(first.drafted == 2)
        _ = try turn(nil, [])
        let restarted = try turn(nil, [5])
        guard case .restarted(let nodes, _) = restarted.outcome else {
            Issue.record("\(restarted)")
            return
        }
        #expect(restarted.drafted < nodes.count)
    }
}

/// Drafts 5 and 6 after everything.
private final class TwoTokenSource: DrafterSource {
    private struct TwoTokens: Drafter {
        var isModelFree: Bool { false }

        mutating func begin(base: [Token], sampling: SamplingParameters) {}
        mutating func advance(_ rerooting: Rerooting) {}

        mutating func expand(_ tree: TokenTree, at nodes: [NodeIndex?], width: Int) -> [[Candidate]] {
            nodes.map { _ in
                [Candidate(token: 5, logProbability: -0.3), Candidate(token: 6, logProbability: -1.5)]
            }
        }
    }

    func makeDrafters() -> [any Drafter] { [TwoTokens()] }
}
