import PacelineSimulation
import PacelineSpeculation
import PacelineWire
import Testing

@testable import PacelineCluster

@Suite("A drafting session")
struct DraftSessionTests {
    private static let base: [Token] = [1, 2, 3]

    private static func session(_ base: [Token] = base, credit: Int = 64) -> DraftSession {
        let open = Message.Open(
            request: 7,
            epoch: 0,
            base: base,
            baseHash: BaseHash(base),
            sampling: .greedy,
            credit: credit,
            limits: DraftLimits(nodes: 64, depth: 8, width: 4),
            lengthLimit: 1000
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

    // MARK: Features

    /// A session whose drafters have nothing to do for its base.
    private static func exhausted(_ base: [Token] = base) -> DraftSession {
        var session = session(base)
        _ = session.takeTurn(DraftSettings())
        #expect(session.report(.restarted([], isFinal: true))?.isFinal == true)
        #expect(!session.wantsTurn)
        return session
    }

    private static func rows(_ range: Range<Int>) -> FeatureBlock {
        let values = range.map { Float16($0) }
        return FeatureBlock(position: range.lowerBound, taps: [.lastOutput], width: 1, values: values)
    }

    @Test("keeps features for the verdict that brings the tokens behind them")
    func features() {
        var session = Self.exhausted()
        session.take(Self.rows(2..<3))
        session.take(Self.rows(3..<5))
        #expect(!session.wantsTurn)
        #expect(session.follow(Self.verdict([4, 5, 6], after: Self.base, epoch: 1, credit: 64)) == nil)
        let turn = session.takeTurn(DraftSettings())
        #expect(turn.features == [Self.rows(2..<5)] && turn.committed == [4, 5, 6])
        #expect(session.takeTurn(DraftSettings()).features.isEmpty)
    }

    @Test("takes a turn for the features that its base lacked, though nothing was left to do")
    func lateFeatures() {
        for rows in [[0..<2], [1..<2], [0..<1, 1..<4], [0..<1, 0..<2]] {
            var session = Self.exhausted()
            for part in rows {
                #expect(!session.wantsTurn)
                session.take(Self.rows(part))
            }
            #expect(session.wantsTurn)
            #expect(session.takeTurn(DraftSettings()).features.last?.end == rows.last?.upperBound)
            #expect(session.report(.grew([], isFinal: true))?.isFinal == true)
            #expect(!session.wantsTurn)
        }
    }

    @Test("is not done if such features come during the turn that finds nothing")
    func duringATurn() {
        var session = Self.session()
        _ = session.takeTurn(DraftSettings())
        session.take(Self.rows(0..<2))
        #expect(session.report(.restarted([], isFinal: true))?.isFinal == false)
        #expect(session.wantsTurn)
        #expect(session.takeTurn(DraftSettings()).features == [Self.rows(0..<2)])
        #expect(session.report(.grew([], isFinal: true))?.isFinal == true)
    }

    @Test("hands on those of a long prompt before they are complete, and takes no turn for them without credit")
    func longPrompt() {
        let prompt = (0..<900).map { Token($0 % 200) }
        var session = Self.exhausted(prompt)
        for start in stride(from: 0, to: 256, by: 64) {
            #expect(!session.wantsTurn)
            session.take(Self.rows(start..<start + 64))
        }
        #expect(session.wantsTurn)
        #expect(session.takeTurn(DraftSettings()).features == [Self.rows(0..<256)])
        session = Self.session(prompt, credit: 0)
        session.take(Self.rows(0..<899))
        #expect(!session.wantsTurn)
        #expect(session.follow(Self.verdict([7], after: prompt, epoch: 1, credit: 8)) == nil)
        let turn = session.takeTurn(DraftSettings())
        #expect(turn.opening?.base == prompt && turn.features == [Self.rows(0..<899)] && turn.committed == [7])
    }

    @Test("keeps hardly more rows than its base has tokens, whatever comes")
    func bounded() {
        var session = Self.session(credit: 0)
        // A verdict brings 33 tokens at most.
        for _ in 0..<50 { session.take(Self.rows(0..<36)) }
        for rows in [0..<37, 36..<37, 5000..<5001, 1 << 24..<1 << 24 + 1] { session.take(Self.rows(rows)) }
        #expect(session.takeTurn(DraftSettings()).features == [Self.rows(0..<36)])
        for start in stride(from: 0, to: 36, by: 2) { session.take(Self.rows(start..<start + 1)) }
        for start in stride(from: 1, to: 36, by: 2) { session.take(Self.rows(start..<start + 1)) }
        #expect(session.takeTurn(DraftSettings()).features.map(\.count).reduce(0, +) == 19)
    }
}
