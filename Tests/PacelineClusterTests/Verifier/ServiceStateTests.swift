import Testing

@testable import PacelineCluster

@Suite("Whether a verifier takes requests")
struct ServiceStateTests {
    @Test("follows from its engine first, and from a drain next")
    func refusal() {
        var service = ServiceState()
        #expect(service.refusal == nil && service.hasEngine)
        service.drain()
        #expect(service.refusal == .draining && service.hasEngine)
        service.fail("no memory")
        #expect(service.refusal == .engine("no memory") && !service.hasEngine)
    }

    @Test("is noted once, when a drain has left nothing to do")
    func drained() {
        var service = ServiceState()
        var notes = [service.noteDrained(isIdle: true)]
        service.drain()
        notes.append(service.noteDrained(isIdle: false))
        notes.append(service.noteDrained(isIdle: true))
        service.drain()
        notes.append(service.noteDrained(isIdle: true))
        #expect(notes == [false, false, true, false])
    }
}
