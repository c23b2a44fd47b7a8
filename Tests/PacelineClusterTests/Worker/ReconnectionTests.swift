import PacelineSpeculation
import PacelineWire
import Testing

@testable import PacelineCluster

@Suite("Connecting again")
struct ReconnectionTests {
    private static let lost = LinkFault.disconnected(reason: "reset")
    private static let delays: ClosedRange<Duration> = .milliseconds(100)...(.seconds(5))

    @Test("waits 0.1 s at first, 1.6 times longer each time, and never more than 5 s")
    func backOff() throws {
        var reconnection = Reconnection(delays: Self.delays)
        var waits: [Double] = []
        for _ in 0..<12 {
            reconnection.connecting()
            let wait = reconnection.ended(Self.lost, jitter: 0.5, now: .zero)
            waits.append(try #require(wait).inMilliseconds)
        }
        #expect(abs(waits[0] - 100) < 0.001 && abs(waits[1] - 160) < 0.001 && abs(waits[2] - 256) < 0.001)
        #expect(zip(waits, waits.dropFirst()).allSatisfy { $0 <= $1 })
        #expect(abs((waits.last ?? 0) - 5000) < 0.001)
    }

    @Test("is spread by a fifth either way, so that workers do not come back in step", arguments: [0, 0.25, 0.999])
    func jitter(jitter: Double) throws {
        var reconnection = Reconnection(delays: Self.delays)
        let due = reconnection.ended(Self.lost, jitter: jitter, now: .zero + .seconds(1))
        let wait = try #require(due)
        #expect(abs(wait.inMilliseconds - (80 + 40 * jitter)) < 0.001)
        #expect(reconnection.deadline == Instant.zero + (.seconds(1) + wait))
    }

    @Test("starts over after a link that held, but not after one that broke at once")
    func startsOver() throws {
        var reconnection = Reconnection(delays: Self.delays)
        var now = Instant.zero
        func fail(after life: Duration) throws -> Double {
            reconnection.connecting()
            reconnection.established(now: now)
            now = now + life
            let wait = reconnection.ended(Self.lost, jitter: 0.5, now: now)
            return try #require(wait).inMilliseconds
        }
        // A verifier that lets workers in and throws them out is not asked ten times a second.
        let waits = try (0..<5).map { _ in try fail(after: .milliseconds(10)) }
        #expect(abs(waits[4] - 655.36) < 0.001)
        #expect(try abs(fail(after: .seconds(30)) - 100) < 0.001)
    }

    @Test(
        "ends where trying cannot help",
        arguments: [
            LinkFault.authenticationFailed(.challengeSkipped),
            .reported(code: .authentication, reason: ""), .reported(code: .version, reason: ""),
            .reported(code: .fingerprint, reason: ""), .noCommonVersion(ours: 1...1, theirs: 2...2),
        ]
    )
    func permanent(fault: LinkFault) {
        var reconnection = Reconnection(delays: Self.delays)
        reconnection.connecting()
        #expect(reconnection.ended(fault, jitter: 0.5, now: .zero) == nil)
        #expect(reconnection.deadline == nil && reconnection.state == .refused(fault))
    }

    @Test(
        "goes on where it may",
        arguments: [
            LinkFault.silent(for: .seconds(1)), .handshakeTimedOut(after: .seconds(2)), .overloaded("full"),
            .reported(code: .overloaded, reason: ""), .reported(code: .timeout, reason: ""),
            .reported(code: .fenced, reason: ""),
            .malformed(code: .badFrame, reason: ""), lost,
        ]
    )
    func transient(fault: LinkFault) {
        var reconnection = Reconnection(delays: Self.delays)
        #expect(reconnection.ended(fault, jitter: 0.5, now: .zero) != nil)
    }
}
