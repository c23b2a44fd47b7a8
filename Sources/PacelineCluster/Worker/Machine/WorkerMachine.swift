package import NIOCore
import PacelineSpeculation
import PacelineWire

/// Everything that a worker process decides: which verifiers it is connected to, which requests it drafts for, whose
/// turn it is on the compute thread, what it sends. A value without I/O or clock; its jitter comes from a seed.
package struct WorkerMachine: Sendable {
    package enum Event: Sendable {
        /// The transport that ``Effect/connect(endpoint:link:)`` asked for is up.
        case connected(LinkID, LinkNonce)
        case received(LinkID, ByteBuffer)
        case flushed(LinkID, bytes: Int)
        /// The transport is gone, or could not be made.
        case disconnected(LinkID, reason: String?)
        /// The transport does not trust the other side, or is not trusted by it.
        case distrusted(LinkID, reason: String)
        /// The compute thread is idle again; nil after a job without a turn.
        case drafted(DraftResult?)
        case progressed
        /// ``WorkerMachine/deadline`` has come. Also the first event of all.
        case timer
        /// End everything now.
        case shutdown
    }

    package enum Effect: Sendable {
        /// Connect to a verifier, by its place in the list of endpoints.
        case connect(endpoint: Int, link: LinkID)
        case write(LinkID, ByteBuffer)
        case close(LinkID)
        /// Take no more bytes from the transport until reading resumes.
        case pauseReading(LinkID)
        case resumeReading(LinkID)
        /// Hand the job to the compute thread, which is idle.
        case draft(DraftJob)
        case note(WorkerNote)
        /// No verifier will have this worker: end the process with this reason.
        case refused(LinkFault)
    }

    let configuration: WorkerConfiguration
    let hello: Message.Hello
    var endpoints: [Reconnection]
    var links = SortedTable<LinkID, LinkMachine>()
    var sessions = SortedTable<DraftSessionID, DraftSession>()
    /// Requests whose base has not come whole.
    var arriving: [ArrivingBase] = []
    /// Sessions that the compute thread holds, or will after the job it is at.
    var opened: Set<DraftSessionID> = []
    /// The session whose turn it is, or was last.
    var lastTurn = DraftSessionID(rawValue: 0)
    var isComputing = false
    var isShutDown = false
    var watchdog: ComputeWatchdog
    var isComputeAlive = true
    private var linkCount: UInt64 = 0
    var sessionCount: UInt64 = 0
    var random: SplitMix
    var outbox: [Effect] = []

    /// - Parameters:
    ///   - endpoints: how many verifiers there are to connect to.
    ///   - incarnation: a random id of this process life, not 0.
    ///   - seed: of the jitter.
    package init(configuration: WorkerConfiguration, endpoints: Int, incarnation: UInt64, seed: UInt64) {
        self.configuration = configuration
        hello = Message.Hello(
            versions: configuration.link.versions,
            name: configuration.name,
            incarnation: incarnation,
            fingerprint: configuration.fingerprint,
            capabilities: [.deltas, .verifying, .sharedNoise],
            slots: configuration.slots,
            contextLength: configuration.contextLength
        )
        self.endpoints = Array(repeating: Reconnection(delays: configuration.reconnectDelay), count: endpoints)
        watchdog = ComputeWatchdog(stallLimit: configuration.link.stallLimit)
        random = SplitMix(seed: seed)
    }

    /// When a ``Event/timer`` is due; nil if nothing waits for time to pass.
    package var deadline: Instant? {
        guard !isShutDown else { return nil }
        var deadlines = links.values.compactMap(\.deadline) + endpoints.compactMap(\.deadline)
        if isComputeAlive, let stall = watchdog.deadline { deadlines.append(stall) }
        return deadlines.min()
    }

    /// Sessions that are open, for statistics and tests.
    package var sessionTotal: Int { sessions.count }

    package mutating func handle(_ event: Event, now: Instant) -> [Effect] {
        switch event {
        case .connected(let id, let nonce): drive(id, .connected(nonce), now: now)
        case .received(let id, let bytes): drive(id, .received(bytes), now: now)
        case .flushed(let id, let bytes): drive(id, .flushed(bytes: bytes), now: now)
        case .disconnected(let id, let reason): drive(id, .disconnected(reason: reason), now: now)
        case .distrusted(let id, let reason): drive(id, .distrusted(reason: reason), now: now)
        case .drafted(let result): finishTurn(result, now: now)
        case .progressed:
            watchdog.progressed(now: now)
            checkWatchdog(now: now)
        case .timer: tick(now: now)
        case .shutdown: shutdown(now: now)
        }
        startTurnIfDue(now: now)
        defer { outbox.removeAll(keepingCapacity: true) }
        return outbox
    }

    private mutating func tick(now: Instant) {
        for id in links.keys {
            guard let deadline = links[id]?.deadline, deadline <= now else { continue }
            drive(id, .timer, now: now)
        }
        checkWatchdog(now: now)
        for endpoint in endpoints.indices {
            guard !isShutDown, let deadline = endpoints[endpoint].deadline, deadline <= now else { continue }
            connect(endpoint)
        }
    }

    private mutating func connect(_ endpoint: Int) {
        linkCount += 1
        let id = LinkID(rawValue: linkCount)
        links[id] = LinkMachine(side: .worker(hello), configuration: configuration.link)
        endpoints[endpoint].connecting(as: id)
        outbox.append(.connect(endpoint: endpoint, link: id))
    }

    /// Tells the links when the work loop came to life or stalled.
    mutating func checkWatchdog(now: Instant) {
        let isAlive = watchdog.isAlive(now: now)
        guard isAlive != isComputeAlive else { return }
        isComputeAlive = isAlive
        for id in links.keys {
            drive(id, .work(isAlive: isAlive), now: now)
        }
    }

    private mutating func shutdown(now: Instant) {
        isShutDown = true
        for id in links.keys {
            send(.drain(Message.Drain(graceMilliseconds: 0, reason: "the worker is shutting down")), to: id, now: now)
            drive(id, .abort(.shutdown), now: now)
        }
    }
}
