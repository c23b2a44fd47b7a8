import PacelineSimulation
import PacelineSpeculation
import PacelineWire
import Testing

@testable import PacelineCluster

@Suite("A worker whose drafters read features")
struct WorkerFeatureTests {
    private static let demand = FeatureDemand(taps: [.input(layer: 1), .normedOutput])
    /// That of ``VerifierGroup/open(_:from:credit:)``.
    private static let base: [Token] = [1, 2, 3]

    /// With one request.
    private static func group(slots: Int = 4) -> VerifierGroup {
        var group = VerifierGroup([1], slots: slots, features: demand)
        group.open(1, from: 1)
        return group
    }

    private static func block(_ rows: Range<Int>) -> FeatureBlock {
        let values = rows.flatMap { row -> [Float16] in [Float16(row), 1, 2, 3] }
        return FeatureBlock(position: rows.lowerBound, taps: demand.taps, width: 2, values: values)
    }

    private static func features(_ rows: Range<Int>, request: UInt64 = 1) -> Message {
        .features(Message.Features(request: request, block: block(rows), format: demand.format))
    }

    private static func verdict(_ tokens: [Token], request: UInt64 = 1, credit: Int = 8) -> Message {
        .verdict(
            Message.Verdict(
                request: request,
                epoch: 1,
                baseLength: base.count + tokens.count,
                baseHash: BaseHash(base + tokens),
                tokens: tokens,
                verifiedNodes: 0,
                acceptedNodes: 0,
                credit: credit
            )
        )
    }

    @Test("hands them to the compute thread no later than the tokens behind them")
    func order() {
        var group = Self.group()
        #expect(group.turns.count == 1 && group.turns[0].opening?.base == Self.base)
        group.say(Self.features(2..<4), from: 1)
        #expect(group.turns.count == 1)
        group.say(Self.verdict([8, 9]), from: 1)
        #expect(group.turns.count == 2)
        #expect(group.turns[1].features == [Self.block(2..<4)] && group.turns[1].committed == [8, 9])
    }

    @Test("drafts again when those come that its base lacked")
    func late() {
        var group = Self.group()
        group.say(Self.features(0..<1), from: 1)
        #expect(group.turns.count == 1)
        group.say(Self.features(1..<3), from: 1)
        #expect(group.turns.count == 2)
        #expect(group.turns[1].features == [Self.block(0..<3)] && group.turns[1].committed.isEmpty)
        // Its drafters have found nothing with them either.
        group.pass(.seconds(1))
        #expect(group.turns.count == 2)
    }

    @Test("ignores those of requests that it does not draft for")
    func strangers() {
        var group = Self.group(slots: 1)
        // Refused, since the only slot is taken.
        group.open(2, from: 1)
        for request in [2, 77] as [UInt64] { group.say(Self.features(0..<3, request: request), from: 1) }
        group.say(.close(Message.Close(request: 1, reason: .finished)), from: 1)
        group.say(Self.features(0..<3), from: 1)
        #expect(group.turns.count == 1 && group.connectedPorts == [1])
        group.open(3, from: 1)
        #expect(group.turns.count == 2 && group.turns[1].features.isEmpty)
    }

    @Test("does nothing about them while the verifier wants no drafts")
    func resting() {
        var group = VerifierGroup([1], features: Self.demand)
        group.open(1, from: 1, credit: 0)
        group.say(Self.features(0..<2), from: 1)
        #expect(group.turns.isEmpty)
        group.say(Self.verdict([8]), from: 1)
        #expect(group.turns.map(\.features) == [[Self.block(0..<2)]])
    }

    @Test("has other requests' features apart")
    func requests() {
        var group = Self.group()
        group.open(2, from: 1)
        group.say(Self.features(2..<3, request: 2), from: 1)
        group.say(Self.verdict([8]), from: 1)
        group.say(Self.verdict([8], request: 2), from: 1)
        #expect(group.turns.map(\.features) == [[], [], [], [Self.block(2..<3)]])
    }

    @Test("that has asked for none, or for others, leaves a verifier that tells it some")
    func unasked() throws {
        let phase = LinkPhase.established(
            limits: .maximum,
            vocabularySize: MockText.vocabularySize,
            version: 2,
            features: Self.demand
        )
        // The second frame, behind the handshake's.
        let frame = try WireTap.frame(Self.features(0..<2), sequence: 2, phase: phase)
        for demand in [nil, FeatureDemand(taps: [.lastOutput])] {
            var group = VerifierGroup([1], features: demand)
            let link = try #require(group.links(to: 1).first)
            group.tell(.link(link, .received(frame)))
            guard case .linkClosed(_, .malformed(let code, _), _) = group.notes.last else {
                Issue.record("\(String(describing: group.notes.last))")
                continue
            }
            #expect(code == (demand == nil ? .unexpected : .badMessage))
            #expect(group.connectedPorts.isEmpty)
        }
    }
}
