import PacelineWire
import Testing

@testable import PacelineCluster

@Suite("Heartbeats")
struct LivenessTests {
    @Test("keep an idle link alive for as long as both sides live")
    func idle() {
        var pair = LinkPair.established()
        pair.run(for: .seconds(60))
        #expect(pair.worker.peer != nil && pair.verifier.peer != nil)
    }

    @Test("find a stopped peer within a second of its last word", arguments: [LinkPair.End.worker, .verifier])
    func stopped(end: LinkPair.End) {
        var pair = LinkPair.established()
        // The last word comes with the heartbeat at 1,000 ms.
        pair.run(for: .milliseconds(1100))
        let other: LinkPair.End = end == .worker ? .verifier : .worker
        pair.run(for: .milliseconds(850), silent: end)
        #expect(pair.fault(other) == nil)
        pair.run(for: .milliseconds(100), silent: end)
        guard case .silent = pair.fault(other) else {
            Issue.record("still there: \(String(describing: pair.fault(other)))")
            return
        }
    }

    @Test("stop while the work loop is stalled, and start again with the answer that is owed")
    func stalledWork() {
        var pair = LinkPair.established()
        pair.handle(.worker, .work(isAlive: false))
        pair.run(for: .milliseconds(700))
        #expect(pair.fault(.verifier) == nil)
        pair.handle(.worker, .work(isAlive: true))
        pair.settle()
        pair.run(for: .seconds(5))
        #expect(pair.fault(.verifier) == nil && pair.fault(.worker) == nil)
    }

    @Test("give a peer up whose event loop turns while its work loop hangs")
    func hangingWork() {
        var pair = LinkPair.established()
        pair.handle(.worker, .work(isAlive: false))
        pair.run(for: .milliseconds(1300))
        guard case .silent = pair.fault(.verifier) else {
            Issue.record("\(String(describing: pair.fault(.verifier)))")
            return
        }
    }

    @Test("find out that only the outbound path is cut")
    func oneWay() {
        var pair = LinkPair.established()
        // Whatever the verifier says is lost; what the worker says arrives.
        for _ in 0..<20 {
            pair.now = pair.now + .milliseconds(125)
            pair.handle(.verifier, .timer)
            _ = pair.intercept(to: .worker)
            pair.handle(.worker, .timer)
            _ = pair.deliver(to: .verifier)
        }
        // The worker hears nothing and gives up first; without its farewell the verifier finds out by itself.
        guard case .silent = pair.fault(.worker) else {
            Issue.record("\(String(describing: pair.fault(.worker)))")
            return
        }
        #expect(pair.fault(.verifier) != nil)
    }

    @Test("do not hold time in which this side did not run against the peer")
    func ownPause() {
        var pair = LinkPair.established()
        pair.run(for: .milliseconds(600))
        pair.now = pair.now + .seconds(30)
        pair.handle(.verifier, .timer)
        #expect(pair.fault(.verifier) == nil)
        pair.settle()
        pair.run(for: .seconds(3))
        #expect(pair.fault(.verifier) == nil)
    }

    @Test("may not be used to flood")
    func flood() {
        var pair = LinkPair.established()
        for number in 1...64 as ClosedRange<UInt64> {
            pair.handle(.worker, .send(.ping(Message.Ping(number: number, lastReceived: 0))))
        }
        pair.settle()
        // They are more than one turn's worth.
        pair.run(for: .milliseconds(10))
        guard case .violation = pair.fault(.verifier) else {
            Issue.record("\(String(describing: pair.fault(.verifier)))")
            return
        }
    }

    @Test("must answer a ping that was sent")
    func forgedPong() {
        var pair = LinkPair.established()
        pair.handle(.worker, .send(.pong(Message.Pong(number: 9, lastReceived: 0))))
        pair.settle()
        guard case .violation = pair.fault(.verifier) else {
            Issue.record("\(String(describing: pair.fault(.verifier)))")
            return
        }
    }
}

@Suite("The watchdog of a work loop")
struct ComputeWatchdogTests {
    @Test("beats while idle, however long")
    func idle() {
        let watchdog = ComputeWatchdog(stallLimit: .milliseconds(500))
        #expect(watchdog.isAlive(now: .zero + .seconds(3600)))
        #expect(watchdog.deadline == nil)
    }

    @Test("is lost by a pass without progress, and kept by a long one with")
    func busy() {
        var watchdog = ComputeWatchdog(stallLimit: .milliseconds(500))
        watchdog.began(now: .zero)
        for step in 1...20 {
            let now = Instant.zero + .milliseconds(400 * step)
            #expect(watchdog.isAlive(now: now))
            watchdog.progressed(now: now)
        }
        #expect(!watchdog.isAlive(now: .zero + .milliseconds(8500)))
        watchdog.ended()
        #expect(watchdog.isAlive(now: .zero + .milliseconds(8500)))
    }

    @Test("is as patient as whoever asks")
    func patience() {
        var watchdog = ComputeWatchdog(stallLimit: .milliseconds(500))
        #expect(watchdog.isAlive(now: .zero + .seconds(60), limit: .seconds(30)))
        watchdog.began(now: .zero)
        watchdog.progressed(now: .zero + .seconds(1))
        #expect(!watchdog.isAlive(now: .zero + .seconds(2)))
        #expect(watchdog.isAlive(now: .zero + .milliseconds(30_999), limit: .seconds(30)))
        #expect(!watchdog.isAlive(now: .zero + .seconds(31), limit: .seconds(30)))
    }
}
