import PacelineSpeculation
import PacelineWire

/// Heartbeats of one link: when to ping, when to answer, when to give the peer up.
///
/// Anything that arrives is a sign of life. Two rules end a link: nothing came for `deadAfter`, or our oldest
/// unanswered ping is older than twice that. The second is how a side notices that only its *outbound* path is cut.
///
/// Time in which this process itself did not run does not count against the peer. When a timer is late by more than a
/// heartbeat, all marks move forward by the delay.
struct LinkLiveness: Sendable {
    private struct Waiting {
        var number: UInt64
        var since: Instant
    }

    private var heartbeat: Duration
    private var deadAfter: Duration
    private let pingLimit: Int
    private var isStarted = false
    private var isWorking = true
    private var lastHeard = Instant.zero
    private var nextPing = Instant.zero
    private var pingsSent: UInt64 = 0
    private var pingsAnswered: UInt64 = 0
    private var oldestUnanswered: Waiting?
    /// The latest ping of the peer that a stalled compute thread has left unanswered.
    private var owedPong: UInt64?
    private var pingsInInterval = 0
    private var lastPingAt = Instant.zero
    /// From a ping to its answer: the least of the recent ones, since an answer may have to wait for other work.
    private(set) var roundTrip: Duration?

    init(configuration: LinkConfiguration) {
        heartbeat = configuration.heartbeat
        deadAfter = configuration.deadAfter
        pingLimit = configuration.pingLimit
    }

    /// When ``tick(now:lastReceived:)`` is due.
    var deadline: Instant? {
        guard isStarted else { return nil }
        return min(nextPing, deathAt)
    }

    private var deathAt: Instant {
        if PlantedBug.silenceForgiven.isPlanted { return Instant(nanoseconds: .max) }
        let silence = lastHeard + deadAfter
        guard let oldestUnanswered else { return silence }
        return min(silence, oldestUnanswered.since + deadAfter * 2)
    }

    mutating func start(heartbeat: Duration, deadAfter: Duration, now: Instant) {
        self.heartbeat = heartbeat
        self.deadAfter = deadAfter
        isStarted = true
        lastHeard = now
        nextPing = now + heartbeat
    }

    mutating func heard(now: Instant) {
        lastHeard = now
    }

    /// Sends the ping that is due, or finds that the peer is dead.
    mutating func tick(now: Instant, lastReceived: UInt64) throws(LinkFault) -> Message? {
        guard isStarted, let deadline, now >= deadline else { return nil }
        shift(by: now - deadline)
        if now >= deathAt { throw .silent(for: now - lastHeard) }
        guard now >= nextPing else { return nil }
        nextPing = now + heartbeat
        pingsInInterval = 0
        guard isWorking else { return nil }
        pingsSent += 1
        lastPingAt = now
        if oldestUnanswered == nil { oldestUnanswered = Waiting(number: pingsSent, since: now) }
        return .ping(Message.Ping(number: pingsSent, lastReceived: lastReceived))
    }

    /// The answer to a ping; nil while the compute thread is stalled.
    mutating func answer(_ ping: Message.Ping, now: Instant, lastReceived: UInt64) throws(LinkFault) -> Message? {
        pingsInInterval += 1
        guard pingsInInterval <= pingLimit else {
            throw .violation("more than \(pingLimit) pings came within one heartbeat")
        }
        if PlantedBug.pingsUnanswered.isPlanted { return nil }
        guard isWorking else {
            owedPong = ping.number
            return nil
        }
        return .pong(Message.Pong(number: ping.number, lastReceived: lastReceived))
    }

    mutating func answered(_ pong: Message.Pong, now: Instant) throws(LinkFault) {
        guard pong.number > pingsAnswered, pong.number <= pingsSent else {
            throw .violation("a pong for ping \(pong.number) came, and \(pingsAnswered + 1)...\(pingsSent) are open")
        }
        pingsAnswered = pong.number
        if pong.number == pingsSent {
            let time = now - lastPingAt
            // Rises slowly, where the way has become longer.
            roundTrip = roundTrip.map { min(time, $0 + ($0 * 0.05 + .microseconds(50))) } ?? time
        }
        if let oldest = oldestUnanswered, pong.number >= oldest.number { oldestUnanswered = nil }
    }

    /// The compute thread came to life or stalled. Once alive, it answers the ping that it owes an answer.
    mutating func work(isAlive: Bool, now: Instant, lastReceived: UInt64) -> [Message] {
        isWorking = isAlive || PlantedBug.hungThreadAnswers.isPlanted
        guard isAlive, let number = owedPong else { return [] }
        owedPong = nil
        return [.pong(Message.Pong(number: number, lastReceived: lastReceived))]
    }

    private mutating func shift(by lateness: Duration) {
        guard lateness > heartbeat else { return }
        lastHeard = lastHeard + lateness
        if let since = oldestUnanswered?.since { oldestUnanswered?.since = since + lateness }
    }
}
