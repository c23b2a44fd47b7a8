import PacelineSpeculation
import PacelineWire

/// Decides everything in a worker process: its connections to verifiers, the requests it drafts for, the turns on the
/// compute thread, and what it sends. A value without I/O or clock; its jitter comes from a seed.
package struct WorkerMachine: Sendable {
    package enum Event: Sendable {
        /// Happened to a link that ``Effect/connect(endpoint:link:)`` asked for.
        case link(LinkID, LinkEvent)
        /// The compute thread is idle again; nil after a job without a turn.
        case drafted(DraftResult?)
        case progressed
        /// ``WorkerMachine/deadline`` has come. Also the first event of all.
        case timer
        /// End everything now.
        case shutdown
    }

    package enum Effect: Sendable {
        /// Connect to a verifier, given as an index in the list of endpoints.
        case connect(endpoint: Int, link: LinkID)
        case link(LinkID, LinkAction)
        /// Hand the job to the compute thread, which is idle.
        case draft(DraftJob)
        case note(WorkerNote)
        /// Every verifier refuses this worker: end the process with this reason.
        case refused(LinkFault)
    }

    let configuration: WorkerConfiguration
    let hello: Message.Hello
    var endpoints: [Reconnection]
    /// Each with its verifier's index in the list of endpoints.
    var links: LinkTable<Int>
    var sessions = SortedTable<DraftSessionID, DraftSession>()
    /// Requests whose base has not arrived in full.
    var arriving: [ArrivingBase] = []
    /// Sessions that the compute thread holds, or will hold after its present job.
    var opened: Set<DraftSessionID> = []
    /// The session whose turn it is, or was last.
    var lastTurn = DraftSessionID(rawValue: 0)
    var isComputing = false
    var isShutDown = false
    private var linkCount: UInt64 = 0
    var sessionCount: UInt64 = 0
    var random: SplitMix
    var outbox = Outbox<Effect>()

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
        links = LinkTable(configuration: configuration.link)
        random = SplitMix(seed: seed)
    }

    /// When a ``Event/timer`` is due; nil if nothing waits for time to pass.
    package var deadline: Instant? {
        guard !isShutDown else { return nil }
        return (endpoints.map(\.deadline) + [links.deadline]).compactMap { $0 }.min()
    }

    /// Sessions that are open, for statistics and tests.
    package var sessionTotal: Int { sessions.count }

    package mutating func handle(_ event: Event, now: Instant) -> [Effect] {
        switch event {
        case .link(let id, let event): handle(event, on: id, now: now)
        case .drafted(let result): finishTurn(result, now: now)
        case .progressed: computeProgressed(now: now)
        case .timer: tick(now: now)
        case .shutdown: shutdown(now: now)
        }
        startTurnIfDue(now: now)
        return outbox.take()
    }

    private mutating func tick(now: Instant) {
        tickLinks(now: now)
        for endpoint in endpoints.indices {
            guard !isShutDown, let deadline = endpoints[endpoint].deadline, deadline <= now else { continue }
            connect(endpoint, now: now)
        }
    }

    private mutating func connect(_ endpoint: Int, now: Instant) {
        linkCount += 1
        let id = LinkID(rawValue: linkCount)
        links.add(id, .worker(hello), endpoint, now: now)
        endpoints[endpoint].connecting()
        outbox.append(.connect(endpoint: endpoint, link: id))
    }

    private mutating func shutdown(now: Instant) {
        isShutDown = true
        for id in links.keys {
            send(.drain(Message.Drain(graceMilliseconds: 0, reason: "the worker is shutting down")), to: id, now: now)
            abort(id, .shutdown, now: now)
        }
    }
}
