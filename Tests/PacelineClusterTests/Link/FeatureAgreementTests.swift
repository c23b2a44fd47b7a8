import PacelineSimulation
import PacelineSpeculation
import PacelineWire
import Testing

@testable import PacelineCluster

@Suite("What two ends agree on about features")
struct FeatureAgreementTests {
    private static let demand = FeatureDemand(taps: [.input(layer: 11), .lastOutput], format: .eightBit)

    private static func hello(
        _ features: FeatureDemand?,
        capabilities: LinkCapabilities = [.deltas, .features],
        versions: ClosedRange<Int> = WireLimits.protocolVersions
    ) -> Message.Hello {
        var hello = LinkPair.hello(versions: versions)
        (hello.features, hello.capabilities) = (features, capabilities)
        return hello
    }

    private static func pair(_ hello: Message.Hello, layers: Int?) -> LinkPair {
        var pair = LinkPair(hello: hello, featureLayers: layers)
        pair.connect()
        pair.settle()
        return pair
    }

    private static func features(_ taps: [FeatureTap] = demand.taps) -> Message {
        let block = FeatureBlock(position: 4, taps: taps, width: 2, values: [127, -1, 0, 64])
        return .features(Message.Features(request: 7, block: block, format: demand.format))
    }

    @Test("is what the worker asks for, if the target has those layers")
    func agreed() {
        for layers in [12, 30] {
            let pair = Self.pair(Self.hello(Self.demand), layers: layers)
            for peer in [pair.worker.peer, pair.verifier.peer] {
                #expect(peer?.features == Self.demand)
                #expect(peer?.capabilities == [.deltas, .features])
            }
        }
        // The ends of the last layer are those of any target.
        let ends = FeatureDemand(taps: [.normedOutput, .lastOutput])
        #expect(Self.pair(Self.hello(ends), layers: 1).worker.peer?.features == ends)
    }

    @Test("is nothing, and lets the worker in, if one of them does not say so or cannot")
    func notAgreed() {
        let cases: [(Message.Hello, Int?)] = [
            (Self.hello(Self.demand), nil),
            (Self.hello(Self.demand), 11),
            (Self.hello(Self.demand), 0),
            (Self.hello(nil), 30),
            (Self.hello(Self.demand, capabilities: [.deltas]), 30),
            (Self.hello(Self.demand, versions: 1...1), 30),
        ]
        for (hello, layers) in cases {
            let pair = Self.pair(hello, layers: layers)
            for peer in [pair.worker.peer, pair.verifier.peer] {
                #expect(peer?.capabilities == [.deltas] && peer?.features == nil)
            }
        }
    }

    @Test("is nothing if a verifier grants what nobody asked for")
    func unasked() throws {
        for hello in [Self.hello(nil), Self.hello(Self.demand, capabilities: [.deltas])] {
            var pair = LinkPair(hello: hello)
            pair.connect(.worker)
            let welcome = Message.Welcome(
                version: 2,
                name: "v",
                incarnation: 1,
                fingerprint: LinkPair.fingerprint,
                capabilities: [.deltas, .features]
            )
            pair.handle(.worker, .received(try WireTap.frame(.welcome(welcome))))
            #expect(pair.worker.peer != nil && pair.worker.peer?.features == nil)
        }
    }

    @Test("lets features through from the verifier to the worker, with the taps that it asked for")
    func delivered() {
        var pair = Self.pair(Self.hello(Self.demand), layers: 12)
        pair.handle(.verifier, .send(Self.features()))
        pair.settle()
        #expect(pair.delivered(.worker) == [Self.features()])
        #expect(pair.fault(.worker) == nil && pair.fault(.verifier) == nil)
    }

    @Test("lets no others through, and none from a worker")
    func refused() throws {
        let phase = LinkPhase.established(
            limits: .maximum,
            vocabularySize: MockText.vocabularySize,
            version: 2,
            features: Self.demand
        )
        // The second frame, behind the handshake's.
        let frame = try WireTap.frame(Self.features(), sequence: 2, phase: phase)
        var without = Self.pair(Self.hello(nil), layers: 12)
        without.handle(.worker, .received(frame))
        guard case .malformed(.unexpected, _) = without.fault(.worker) else {
            Issue.record("\(String(describing: without.fault(.worker)))")
            return
        }
        var other = Self.pair(Self.hello(FeatureDemand(taps: [.lastOutput], format: .eightBit)), layers: 12)
        other.handle(.worker, .received(frame))
        guard case .malformed(.badMessage, _) = other.fault(.worker) else {
            Issue.record("\(String(describing: other.fault(.worker)))")
            return
        }
        var reversed = Self.pair(Self.hello(Self.demand), layers: 12)
        reversed.handle(.verifier, .received(frame))
        #expect(
            reversed.fault(.verifier) == .unexpected(.features, state: "drafting is the sender's part")
        )
    }
}
