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
        /// These are the verifiers to serve from now on.
        case verifiers([Endpoint])
        /// ``WorkerMachine/deadline`` has come. Also the first event of all.
        case timer
        /// Leave all verifiers as soon as they have taken their requests back, at the latest after `grace`.
        case drain(grace: Duration)
        /// End everything now.
        case shutdown
    }

    package enum Effect: Sendable {
        /// Connect to a verifier.
        case connect(endpoint: Endpoint, link: LinkID)
        case link(LinkID, LinkAction)
        /// Hand the job to the compute thread, which is idle.
        case draft(DraftJob)
        case note(WorkerNote)
        /// Every verifier refuses this worker: end the process with this reason.
        case refused(LinkFault)
        /// The worker has left all verifiers after ``Event/drain(grace:)``.
        case drained
    }

    enum Phase: Sendable {
        case running
        /// Told to leave; links end one by one.
        case draining
        case ended
    }

    let configuration: WorkerConfiguration
    let hello: Message.Hello
    /// The verifiers to serve.
    var contacts = SortedTable<Endpoint, VerifierContact>()
    var links: LinkTable<WorkerLink>
    var sessions = SortedTable<DraftSessionID, DraftSession>()
    /// Requests whose base has not arrived in full.
    var arriving: [ArrivingBase] = []
    var rota = DraftRota()
    var phase = Phase.running
    private var linkCount: UInt64 = 0
    var sessionCount: UInt64 = 0
    var tally = WorkerTally()
    var random: SplitMix
    var outbox = Outbox<Effect>()

    /// - Parameters:
    ///   - verifiers: those to connect to; ``Event/verifiers(_:)`` may change them.
    ///   - incarnation: a random id of this process life, not 0.
    ///   - seed: of the jitter.
    package init(configuration: WorkerConfiguration, verifiers: [Endpoint], incarnation: UInt64, seed: UInt64) {
        self.configuration = configuration
        hello = Message.Hello(
            versions: configuration.link.versions,
            name: configuration.name,
            incarnation: incarnation,
            fingerprint: configuration.fingerprint,
            capabilities: configuration.capabilities,
            slots: configuration.slots,
            contextLength: configuration.contextLength,
            features: configuration.features
        )
        links = LinkTable(configuration: configuration.link)
        random = SplitMix(seed: seed)
        for endpoint in verifiers {
            contacts[endpoint] = VerifierContact(delays: configuration.reconnectDelay)
        }
        deadline = nextDeadline
    }

    /// When a ``Event/timer`` is due; nil if nothing waits for time to pass.
    ///
    /// Stored, because it is read after every event; a machine that an object holds would be copied to compute it.
    package private(set) var deadline: Instant?

    private var nextDeadline: Instant? {
        guard phase != .ended else { return nil }
        var next = links.deadline
        func consider(_ deadline: Instant?) {
            guard let deadline else { return }
            next = next.map { min($0, deadline) } ?? deadline
        }
        for contact in contacts.values { consider(contact.reconnection.deadline) }
        for link in links.values { consider(link.limit) }
        return next
    }

    /// Sessions that are open, for statistics and tests.
    package var sessionTotal: Int { sessions.count }

    package mutating func handle(_ event: Event, now: Instant) -> [Effect] {
        defer { deadline = nextDeadline }
        switch event {
        case .link(let id, let event): handle(event, on: id, now: now)
        case .drafted(let result): finishTurn(result, now: now)
        case .progressed: computeProgressed(now: now)
        case .verifiers(let endpoints): follow(endpoints, now: now)
        case .timer: tick(now: now)
        case .drain(let grace): drain(grace: grace, now: now)
        case .shutdown: shutdown(now: now)
        }
        leaveIfDone(now: now)
        startTurnIfDue(now: now)
        return outbox.take()
    }

    private mutating func tick(now: Instant) {
        tickLinks(now: now)
        connectIfDue(now: now)
    }

    /// Connects to the verifiers that are due.
    mutating func connectIfDue(now: Instant) {
        guard phase == .running else { return }
        for endpoint in contacts.keys {
            guard let deadline = contacts[endpoint]?.reconnection.deadline, deadline <= now else { continue }
            linkCount += 1
            let id = LinkID(rawValue: linkCount)
            links.add(id, .worker(hello), WorkerLink(to: endpoint), now: now)
            contacts.update(endpoint) { contact in
                contact.reconnection.connecting()
                contact.link = id
            }
            outbox.append(.connect(endpoint: endpoint, link: id))
        }
    }

    private mutating func shutdown(now: Instant) {
        phase = .ended
        for id in links.keys {
            send(.drain(Message.Drain(graceMilliseconds: 0, reason: Self.farewell)), to: id, now: now)
            abort(id, .shutdown, now: now)
        }
    }

    static let farewell = "the worker is shutting down"
}
