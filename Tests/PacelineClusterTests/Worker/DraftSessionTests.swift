import PacelineSimulation
import PacelineSpeculation
import PacelineWire
import Testing

@testable import PacelineCluster

@Suite("A drafting session")
struct DraftSessionTests {
    private static let base: [Token] = [1, 2, 3]

    private static func session(credit: Int = 64) -> DraftSession {
        let open = Message.Open(
            request: 7,
            epoch: 0,
            base: base,
            baseHash: BaseHash(base),
            sampling: .greedy,
            credit: credit,
            limits: DraftLimits(nodes: 64, depth: 8, width: 4),
            lengthLimit: 100
        )
        return DraftSession(
            open,
            id: DraftSessionID(rawValue: 1),
            link: LinkID(rawValue: 1),
            vocabularySize: MockText.vocabularySize
        )
    }

    private static func verifying(_ base: [Token], epoch: UInt64) -> Message.Verifying {
        Message.Verifying(
            request: 7,
            epoch: epoch,
            baseLength: base.count,
            baseHash: BaseHash(base),
            nodes: [.init(parent: nil, token: 5), .init(parent: 0, token: 6)]
        )
    }

    private static func verdict(_ tokens: [Token], after base: [Token], epoch: UInt64, credit: Int) -> Message.Verdict {
        Message.Verdict(
            request: 7,
            epoch: epoch,
            baseLength: base.count + tokens.count,
            baseHash: BaseHash(base + tokens),
            tokens: tokens,
            verifiedNodes: 0,
            acceptedNodes: 0,
            credit: credit
        )
    }

    @Test("tells the compute thread once which nodes are being verified, and makes room for the next round's")
    func verifying() {
        var session = Self.session()
        #expect(session.takeTurn(DraftSettings()).verifying == nil)
        session.follow(Self.verifying(Self.base, epoch: 0))
        #expect(session.wantsTurn)
        let turn = session.takeTurn(DraftSettings())
        #expect(turn.verifying?.map(\.token) == [5, 6])
        #expect(turn.policy.verified < 64)
        #expect(session.takeTurn(DraftSettings()).verifying == nil)
    }

    @Test("forgets such nodes at the verdict, and those of another base at once")
    func stray() {
        var session = Self.session()
        session.follow(Self.verifying([1, 2, 4], epoch: 0))
        #expect(session.takeTurn(DraftSettings()).verifying == nil)
        session.follow(Self.verifying(Self.base, epoch: 0))
        #expect(session.follow(Self.verdict([5, 9], after: Self.base, epoch: 1, credit: 64)) == nil)
        let turn = session.takeTurn(DraftSettings())
        #expect(turn.verifying == nil && turn.committed == [5, 9])
    }

    @Test("takes no turn without credit, and catches up when it has some again")
    func credit() {
        var session = Self.session()
        _ = session.takeTurn(DraftSettings())
        #expect(session.follow(Self.verdict([5], after: Self.base, epoch: 1, credit: 0)) == nil)
        #expect(!session.wantsTurn)
        #expect(session.follow(Self.verdict([6], after: Self.base + [5], epoch: 2, credit: 8)) == nil)
        #expect(session.wantsTurn)
        #expect(session.takeTurn(DraftSettings()).committed == [5, 6])
    }
}
