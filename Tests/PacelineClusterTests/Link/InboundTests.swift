import NIOCore
import PacelineSpeculation
import Testing

@testable import PacelineCluster
@testable import PacelineWire

@Suite("What a link reads at once")
struct InboundTests {
    private static let drain = Message.drain(Message.Drain(graceMilliseconds: 5, reason: "test"))

    /// A pair on whose wire to the verifier `count` small messages wait.
    private static func flooded(_ count: Int, _ configuration: LinkConfiguration = LinkConfiguration()) -> LinkPair {
        var pair = LinkPair.established(configuration)
        for _ in 0..<count { pair.handle(.worker, .send(drain)) }
        return pair
    }

    private static func pauses(_ pair: LinkPair) -> [LinkMachine.Effect] {
        (pair.effects[.verifier] ?? []).filter { $0 == .pauseReading || $0 == .resumeReading }
    }

    @Test("is a turn's worth of messages, and the rest comes with the next turns, in order and complete")
    func turns() {
        var pair = Self.flooded(1000)
        let limit = pair.verifier.configuration.messagesPerTurn
        _ = pair.deliver(to: .verifier)
        #expect(pair.delivered(.verifier).count == limit)
        #expect(Self.pauses(pair) == [.pauseReading])
        var turns = 1
        while let deadline = pair.verifier.deadline, deadline < .zero + .milliseconds(100) {
            #expect(deadline > pair.now, "a turn that is due at once would starve the others")
            pair.now = deadline
            let before = pair.delivered(.verifier).count
            pair.handle(.verifier, .timer)
            #expect(pair.delivered(.verifier).count - before <= limit)
            turns += 1
        }
        #expect(pair.delivered(.verifier).count == 1000)
        #expect(turns >= 1000 / limit)
        #expect(Self.pauses(pair) == [.pauseReading, .resumeReading])
    }

    @Test("is all of it while a peer sends no more than a turn's worth")
    func calm() {
        var pair = Self.flooded(LinkConfiguration().messagesPerTurn - 1)
        _ = pair.deliver(to: .verifier)
        #expect(pair.delivered(.verifier).count == LinkConfiguration().messagesPerTurn - 1)
        #expect(Self.pauses(pair) == [])
    }

    @Test("waits in order when more bytes come during a pause")
    func bytesDuringPause() {
        var pair = Self.flooded(100)
        _ = pair.deliver(to: .verifier)
        let first = pair.delivered(.verifier).count
        for _ in 0..<100 { pair.handle(.worker, .send(Self.drain)) }
        _ = pair.deliver(to: .verifier)
        #expect(pair.delivered(.verifier).count == first, "a pause is a pause")
        for _ in 0..<20 {
            pair.now = pair.now + .milliseconds(1)
            pair.handle(.verifier, .timer)
        }
        #expect(pair.delivered(.verifier).count == 200)
        #expect(pair.fault(.verifier) == nil)
    }

    @Test("keeps to the allowance, whatever the peer sends, and loses nothing")
    func allowance() {
        var configuration = LinkConfiguration()
        configuration.inboundBytesPerSecond = 10_000
        configuration.inboundBurst = 1000
        configuration.deadAfter = .seconds(60)
        configuration.heartbeat = .seconds(20)
        var pair = Self.flooded(500, configuration)
        let bytes = pair.intercept(to: .verifier)
        pair.handle(.verifier, .received(bytes))
        #expect(pair.delivered(.verifier) == [], "a burst that is too large is read when it has been paid for")
        let needed = Duration.fromMilliseconds(Double(bytes.readableBytes - 1000) / 10)
        pair.now = .zero + (needed - .milliseconds(100))
        pair.handle(.verifier, .timer)
        #expect(pair.delivered(.verifier) == [])
        while pair.delivered(.verifier).count < 500, let deadline = pair.verifier.deadline {
            pair.now = deadline
            pair.handle(.verifier, .timer)
        }
        #expect(pair.delivered(.verifier).count == 500)
        #expect(pair.now < .zero + needed + .milliseconds(100))
    }

    @Test("does not wait for a clock that has gone back")
    func clockBack() {
        var allowance = RateAllowance(perSecond: 1000, burst: 10)
        var now = Instant.zero + .seconds(5)
        allowance.take(10, now: now)
        var ready = allowance.readyAt(now: now)
        #expect(ready == now)
        allowance.take(20, now: now)
        now = now.advanced(by: .milliseconds(-400))
        ready = allowance.readyAt(now: now)
        #expect(ready == now + .milliseconds(20), "what is owed stays owed, and no more")
        now = now.advanced(by: .milliseconds(20))
        ready = allowance.readyAt(now: now)
        #expect(ready == now)
    }

    @Test("before the handshake is over is a few kilobytes, whatever comes")
    func handshakeMemory() throws {
        let header = try WireTap.frame(.hello(LinkPair.hello()))
        var pair = LinkPair()
        pair.connect(.verifier)
        // One byte at a time, never whole: what a slow stranger does.
        var rest = header
        while rest.readableBytes > 1, let byte = rest.readSlice(length: 1) {
            pair.handle(.verifier, .received(byte))
            let held = pair.verifier.codec.reader.buffer.readableBytes
            #expect(held <= FrameHeader.byteCount + WireLimits.handshakePayload)
        }
        #expect(pair.fault(.verifier) == nil)
        pair.now = .zero + .seconds(2)
        pair.handle(.verifier, .timer)
        #expect(pair.fault(.verifier) == .handshakeTimedOut(after: .seconds(2)))
    }
}
