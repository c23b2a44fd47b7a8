import PacelineSpeculation
import PacelineWire
import Testing

@Suite("The features that a hello asks for")
struct FeatureDemandTests {
    private static func demand(_ taps: [UInt64], format: UInt64 = 1) -> ProtobufPayload {
        ProtobufPayload().packed(1, taps).varint(2, format)
    }

    private static func hello(_ demand: ProtobufPayload) -> ProtobufPayload {
        ProtobufPayload().varint(1, 1).varint(2, 1).varint(3, 1).bytes(4, [0x77]).fixed64(5, 7).varint(7, 16)
            .varint(8, 1).message(11, demand)
    }

    /// What is read of it: the demand, or why the frame is refused.
    private static func read(_ demand: ProtobufPayload) -> (demand: FeatureDemand?, problem: MessageError.Problem?) {
        let (messages, error) = Wire.read(Wire.frame(.hello, payload: hello(demand).bytes), phase: .handshake)
        if case .message(let refused)? = error { return (nil, refused.problem) }
        guard case .hello(let hello)? = messages.first else { return (nil, .malformed) }
        return (hello.features, nil)
    }

    @Test("are numbered without regard to how many layers the target has")
    func numbers() {
        let expected: [(UInt64, FeatureTap)] = [
            (0, .normedOutput), (1, .lastOutput), (2, .input(layer: 0)), (14, .input(layer: 12)),
            (1025, .input(layer: 1023)),
        ]
        for (number, tap) in expected {
            #expect(Self.read(Self.demand([number])).demand == FeatureDemand(taps: [tap]))
        }
        let several = Self.read(Self.demand([7, 0, 2, 1], format: 2)).demand
        let taps: [FeatureTap] = [.input(layer: 5), .normedOutput, .input(layer: 0), .lastOutput]
        #expect(several == FeatureDemand(taps: taps, format: .eightBit))
    }

    @Test("are refused with the whole message where they break a limit")
    func hostile() {
        let wrong: [(ProtobufPayload, MessageError.Problem)] = [
            (Self.demand([]), .outOfRange(field: "the count of features.taps", found: 0, allowed: 1...8)),
            (
                Self.demand(Array(0...8)),
                .outOfRange(field: "the count of features.taps", found: 9, allowed: 0...8)
            ),
            (Self.demand([1026]), .outOfRange(field: "features.taps", found: 1026, allowed: 0...1025)),
            (
                Self.demand([UInt64(UInt32.max)]),
                .outOfRange(field: "features.taps", found: Int(UInt32.max), allowed: 0...1025)
            ),
            (Self.demand([4, 1, 4]), .twice(field: "features.taps", value: 4)),
            (Self.demand([0], format: 0), .zero(field: "features.format")),
        ]
        for (demand, problem) in wrong {
            #expect(Self.read(demand).problem == problem)
        }
        #expect(Self.read(Self.demand(Array(0..<8))).demand?.taps.count == 8)
    }

    @Test("are none in a format that a later build knows")
    func unknownFormat() {
        for format: UInt64 in [3, 99, 2_000_000_000] {
            let (demand, problem) = Self.read(Self.demand([0], format: format))
            #expect(demand == nil && problem == nil)
        }
    }

    @Test("that are not valid are not sent")
    func refusedByTheWriter() {
        let wrong: [[FeatureTap]] = [
            [], [.lastOutput, .lastOutput], [.input(layer: -1)], [.input(layer: 1024)], [.input(layer: .max)],
            [.input(layer: .min)], (0..<9).map { .input(layer: $0) },
        ]
        var hello = VectorMessage.hello(nonce: [])
        for taps in wrong {
            hello.features = FeatureDemand(taps: taps)
            #expect(throws: WireError.self) { try Wire.bytes(of: [.hello(hello)], phase: .handshake) }
        }
        hello.features = FeatureDemand(taps: (0..<8).map { .input(layer: $0) })
        #expect(throws: Never.self) { try Wire.bytes(of: [.hello(hello)], phase: .handshake) }
    }
}
