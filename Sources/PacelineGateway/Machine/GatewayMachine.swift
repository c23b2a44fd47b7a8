import NIOCore
package import PacelineCluster
import PacelineServer

/// One address for many verifiers of one model: decides which of them answers a request, and goes on with another one
/// when that one is lost, at the very token where it was cut.
///
/// A value without I/O: events go in with the present moment, effects come out. It reads no clock and draws nothing.
package struct GatewayMachine: Sendable {
    let configuration: GatewayConfiguration
    var replicas: ReplicaTable
    var requests: [ProxyRequestID: ProxyRequest] = [:]
    var attempts: [AttemptID: ProxyRequestID] = [:]
    var statistics = GatewayStatistics()
    /// What the event that is being handled causes.
    var effects: [GatewayEffect] = []
    /// Bytes of answers in one piece that are on their way.
    var collectedBytes = 0
    private var lastAttempt: UInt64 = 0
    private var lastTick = Instant.zero

    package init(_ configuration: GatewayConfiguration = GatewayConfiguration()) {
        self.configuration = configuration
        replicas = ReplicaTable(configuration)
    }

    /// When ``GatewayEvent/timer`` is due; nil for never. Stored, so that a look at it does not copy the machine.
    package private(set) var deadline: Instant?

    /// Takes an event.
    ///
    /// - Returns: what is to be done, in this order.
    package mutating func handle(_ event: GatewayEvent, now: Instant) -> [GatewayEffect] {
        defer { noteState() }
        switch event {
        case .replicas(let addresses):
            replicas.list(addresses, now: now)
            poll(now)
        case .polled(let address, let answer):
            if replicas.take(answer, of: address, now: now) { wakeWaiting(now) }
        case .request(let id, let call): take(id, call, now: now)
        case .clientLeft(let id): leave(id)
        case .clientBlocked(let id): requests[id]?.isBlocked = true
        case .clientDrained(let id):
            requests[id]?.isBlocked = false
            requests[id]?.attempt?.lastByte = now
            requests[id]?.lastSent = now
        case .answerBegan(let attempt, let head): begin(attempt, head, now: now)
        case .answerBytes(let attempt, let bytes): take(attempt, bytes, now: now)
        case .answerEnded(let attempt): end(attempt, now: now)
        case .attemptFailed(let attempt, let failure): fail(attempt, failure, now: now)
        case .timer:
            poll(now)
            tick(now)
        }
        defer { effects.removeAll() }
        return effects
    }

    private mutating func noteState() {
        let tick = requests.isEmpty ? nil : lastTick + configuration.tick
        deadline = .earlier(tick, replicas.nextPoll)
        isReady = replicas.isReady
    }

    /// A replica is ready that was not: who waits for one need not wait longer.
    private mutating func wakeWaiting(_ now: Instant) {
        for (id, request) in requests {
            if let waiting = request.waiting { requests[id]?.waiting = (waiting.since, now) }
        }
    }

    private mutating func poll(_ now: Instant) {
        for address in replicas.due(at: now) { effects.append(.poll(address)) }
    }

    private mutating func tick(_ now: Instant) {
        guard now - lastTick >= configuration.tick else { return }
        // A gateway that stood still itself has not looked what came; no replica is to blame for that.
        if now - lastTick > configuration.stallLimit / 2 {
            for id in requests.keys { requests[id]?.attempt?.lastByte = now }
            replicas.excuse(now: now)
        }
        lastTick = now
        for id in requests.keys.sorted() { look(at: id, now: now) }
    }

    /// A new attempt's name.
    mutating func nextAttempt() -> AttemptID {
        lastAttempt += 1
        return AttemptID(lastAttempt)
    }

    // MARK: What others see

    /// Whether new requests can be served.
    package private(set) var isReady = false

    /// Whose attempt it is; nil once it has ended.
    package func request(of attempt: AttemptID) -> ProxyRequestID? { attempts[attempt] }

    /// The state in numbers.
    package var snapshot: GatewaySnapshot {
        GatewaySnapshot(
            replicas: replicas.replicas.keys.sorted().compactMap { address in
                replicas[address].map { replica in
                    GatewaySnapshot.Entry(
                        address,
                        replica,
                        isActive: replicas.active.map { replicas.takes(address, $0) } ?? false,
                        isSpare: replicas.isSpare(address)
                    )
                }
            },
            requests: requests.count,
            statistics: statistics
        )
    }
}

/// A gateway's state at one moment, for monitoring.
package struct GatewaySnapshot: Sendable {
    package struct Entry: Sendable, Equatable {
        package let address: ReplicaAddress
        /// `ready`, `spare` (ready, but the same verifier gets its requests at another address), `refusing`, `foreign`,
        /// `down` or `unknown`.
        package let state: String
        package let generation: String?
        /// Whether it gets new requests.
        package let isActive: Bool
        /// Whether it is still named; one that is not ends its requests, and is forgotten then.
        package let isListed: Bool
        package let requests: Int
        package let outstandingTokens: Int
        /// Requests that it refused or lost and that went to another one, by why.
        package let moves: [GatewayStatistics.Reason: Int]

        init(_ address: ReplicaAddress, _ replica: Replica, isActive: Bool, isSpare: Bool) {
            (self.address, self.isActive) = (address, isActive)
            state = isSpare ? "spare" : replica.state.rawValue
            generation = replica.generation
            requests = replica.attempts
            isListed = replica.isListed
            outstandingTokens = replica.outstanding
            moves = replica.moves
        }
    }

    /// In the order of their addresses.
    package let replicas: [Entry]
    package let requests: Int
    package let statistics: GatewayStatistics
}
