package import PacelineSpeculation
import PacelineWire

/// Everything that a verifier decides: who is connected, which requests run, what the next pass computes, what is
/// committed. A value without I/O, clock or randomness; the shell (or the simulator) feeds it events and carries out
/// its effects.
///
/// At most one pass is with the compute thread at any time. Tokens come from passes alone; all that workers can change
/// is how many of them a pass brings.
package struct VerifierMachine: Sendable {
    package enum Event: Sendable {
        /// A connection came in.
        ///
        /// - Parameters:
        ///   - host: the peer's address without its port; what one machine may take up is counted by it.
        ///   - nonce: for this connection's handshake alone.
        case accepted(LinkID, host: String, nonce: LinkNonce)
        case link(LinkID, LinkEvent)
        /// A client asks; the id is new.
        case submit(RequestID, GenerationRequest)
        /// A client is no longer interested.
        case cancel(RequestID)
        /// A client takes its events too slowly.
        case overflow(RequestID, waitingTokens: Int)
        /// The compute thread is idle again: one outcome for each round of its pass, and how long the pass took.
        ///
        /// - Parameter samplingMilliseconds: the part of that for choosing tokens; nil if the engine does not tell.
        case passFinished([RoundOutcome], milliseconds: Double, samplingMilliseconds: Double? = nil)
        /// The engine can compute no more.
        case passFailed(String)
        /// The compute thread's stamp moved.
        case progressed
        /// ``VerifierMachine/deadline`` has come.
        case timer
        /// Somebody wants to see rounds, or nobody does any more. It changes no decision.
        case observe(Observation)
        /// Take no new requests, and finish those that run.
        case drain(grace: Duration)
        /// End everything now.
        case shutdown
    }

    package enum Effect: Sendable {
        case link(LinkID, LinkAction)
        /// Hand the pass to the compute thread, which is idle.
        case run(Pass)
        case emit(RequestID, RequestEvent)
        case note(VerifierNote)
        /// A round that was to be recorded. It comes before what it brings its client.
        case round(RoundRecord)
    }

    struct Link: Sendable {
        let host: String
        /// Nil until the handshake is over.
        var worker: WorkerRecord?
    }

    let configuration: VerifierConfiguration
    let target: TargetDescription
    let identity: VerifierIdentity
    var links: LinkTable<Link>
    var running = SortedTable<RequestID, VerifierSequence>()
    var waiting = FairQueue<VerifierSequence>()
    var scheduler: PassScheduler
    var ledger = DraftLedger()
    var service = ServiceState()
    var statistics = VerifierStatistics()
    var archive = ProfileArchive()
    var reputation = AddressReputation()
    var observer = RoundObserver()
    var outbox = Outbox<Effect>()

    /// - Parameters:
    ///   - incarnation: a random id of this process life, not 0.
    ///   - costs: what passes cost, as measured before.
    package init(
        configuration: VerifierConfiguration,
        target: TargetDescription,
        costs: CostCurve,
        incarnation: UInt64
    ) {
        self.configuration = configuration
        self.target = target
        scheduler = PassScheduler(configuration: configuration, costs: costs)
        identity = VerifierIdentity(
            name: configuration.name,
            incarnation: incarnation,
            fingerprint: target.fingerprint,
            limits: .maximum,
            versions: configuration.link.versions,
            featureLayers: target.featureLayers
        )
        links = LinkTable(configuration: configuration.link)
    }

    /// When a ``Event/timer`` is due; nil if nothing waits for time to pass.
    ///
    /// Stored, because it is read after every event. To ask a machine that an object holds for a property that has to
    /// be computed, the whole machine is copied.
    package private(set) var deadline: Instant?

    package mutating func handle(_ event: Event, now: Instant) -> [Effect] {
        defer { deadline = .earlier(links.deadline, scheduler.deadline) }
        switch event {
        case .accepted(let id, let host, let nonce): accept(id, from: host, nonce, now: now)
        case .link(let id, let event): handle(event, on: id, now: now)
        case .submit(let id, let request): submit(id, request, now: now)
        case .cancel(let id): cancel(id, now: now)
        case .overflow(let id, let count): fail(id, .slowConsumer(waitingTokens: count), now: now)
        case .passFinished(let outcomes, let milliseconds, let sampling):
            finishPass(outcomes, milliseconds: milliseconds, samplingMilliseconds: sampling, now: now)
        case .passFailed(let reason): failEngine(reason, now: now)
        case .progressed: computeProgressed(now: now)
        case .timer: tickLinks(now: now)
        case .observe(let observation): observer.observe(observation)
        case .drain(let grace): drain(grace: grace, now: now)
        case .shutdown: shutdown(now: now)
        }
        startPassIfDue(now: now)
        if service.noteDrained(isIdle: isIdle) { outbox.append(.note(.drained)) }
        return outbox.take()
    }

    private mutating func drain(grace: Duration, now: Instant) {
        service.drain()
        let milliseconds = min(Int(max(0, grace.inMilliseconds)), WireLimits.graceMilliseconds)
        for id in links.keys {
            send(
                .drain(Message.Drain(graceMilliseconds: milliseconds, reason: "the verifier drains")),
                to: id,
                now: now
            )
        }
        failWaiting(.draining)
    }

    private mutating func shutdown(now: Instant) {
        service.drain()
        failWaiting(.draining)
        for id in running.keys {
            fail(id, .draining, now: now)
        }
        for id in links.keys {
            abort(id, .shutdown, now: now)
        }
    }

    /// Whether no request runs or waits.
    package var isIdle: Bool {
        running.isEmpty && waiting.isEmpty
    }
}
