import Testing

@testable import PacelineCluster

@Suite("traceparent")
struct TraceContextTests {
    private static let valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    @Test func aValidHeaderIsReadAndPassedOn() throws {
        let context = try #require(TraceContext(traceparent: Self.valid))
        #expect("\(context.traceID)" == "4bf92f3577b34da6a3ce929d0e0e4736")
        #expect(context.parentID == 0x00f0_67aa_0ba9_02b7)
        #expect(context.isSampled)
        #expect(context.traceparent == Self.valid)
        #expect(context.child(parentID: 1).traceparent == "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000001-01")
        #expect(TraceID(bytes: context.traceID.bytes) == context.traceID)
    }

    @Test func unknownFlagsAreNotPassedOn() throws {
        let context = try #require(TraceContext(traceparent: String(Self.valid.dropLast(2)) + "fe"))
        #expect(context.traceparent.hasSuffix("-00"))
    }

    @Test func aLaterVersionIsReadAsFarAsItIsKnown() {
        let later = "cc" + Self.valid.dropFirst(2)
        #expect(TraceContext(traceparent: later) != nil)
        #expect(TraceContext(traceparent: later + "-what-the-future-will-be-like") != nil)
        #expect(TraceContext(traceparent: later + ".what-the-future-will-be-like") == nil)
        #expect(TraceContext(traceparent: "ff" + Self.valid.dropFirst(2)) == nil)
    }

    @Test(arguments: [
        "", "00", valid + "-", valid + "-extra", " " + valid, valid.uppercased(), String(valid.dropLast()),
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
        "0x-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0é",
    ])
    func whatIsNotValidIsNoContext(_ header: String) {
        #expect(TraceContext(traceparent: header) == nil)
    }

    @Test func aNewTraceIsValid() throws {
        let context = TraceContext.random()
        #expect(TraceContext(traceparent: context.traceparent) == context)
    }
}
