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
        case passFinished(PassResult)
        /// The engine is of no use any more.
        case passFailed(String)
        /// The compute thread's stamp moved.
        case progressed
        /// ``VerifierMachine/deadline`` has come.
        case timer
        /// Take no new requests, finish those there are.
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
    var waiting: [(id: RequestID, request: GenerationRequest)] = []
    /// Sequences that the engine holds, running or not.
    var opened: Set<RequestID> = []
    var inFlight: InFlightPass?
    /// Since when the next pass could have started.
    var readySince: Instant?
    /// When a pass that waits for drafts is looked at again.
    var waitDeadline: Instant?
    /// Sequences whose next delta the pass waits for.
    var awaited: Set<RequestID> = []
    /// Something happened since the next pass was last planned that may change it.
    var isPlanOutdated = true
    var costs: CostCurve
    /// What passes take while nobody drafts.
    var quietCosts: CostCurve
    /// How late passes with drafts end.
    var overrunEstimate = PassOverrunEstimate()
    var slowdownGuard = SlowdownGuard()
    /// Below this path probability a node has lately not been worth its place in a pass.
    var marginalProbability = 0.0
    var isDraining = false
    var hasNotedDrain = false
    var engineFault: String?
    var statistics = VerifierStatistics()
    var archive = ExperienceArchive()
    /// A worker has come to rest or to drafting again since work was last shared out.
    var isBalanceOutdated = false
    var outbox = Outbox<Effect>()

    /// - Parameters:
    ///   - incarnation: a random id of this process life, not 0.
    ///   - costs: what passes take, as measured before.
    package init(
        configuration: VerifierConfiguration,
        target: TargetDescription,
        costs: CostCurve,
        incarnation: UInt64
    ) {
        self.configuration = configuration
        self.target = target
        self.costs = costs
        quietCosts = costs
        identity = VerifierIdentity(
            name: configuration.name,
            incarnation: incarnation,
            fingerprint: target.fingerprint,
            limits: .maximum,
            versions: configuration.link.versions
        )
        links = LinkTable(configuration: configuration.link)
    }

    /// When a ``Event/timer`` is due; nil if nothing waits for time to pass.
    package var deadline: Instant? {
        [links.deadline, waitDeadline].compactMap { $0 }.min()
    }

    package mutating func handle(_ event: Event, now: Instant) -> [Effect] {
        switch event {
        case .accepted(let id, let host, let nonce): accept(id, from: host, nonce, now: now)
        case .link(let id, let event): handle(event, on: id, now: now)
        case .submit(let id, let request): submit(id, request, now: now)
        case .cancel(let id): cancel(id, now: now)
        case .overflow(let id, let count): fail(id, .slowConsumer(waitingTokens: count), now: now)
        case .passFinished(let result): finishPass(result, now: now)
        case .passFailed(let reason): failEngine(reason, now: now)
        case .progressed: computeProgressed(now: now)
        case .timer: tickLinks(now: now)
        case .drain(let grace): drain(grace: grace, now: now)
        case .shutdown: shutdown(now: now)
        }
        startPassIfDue(now: now)
        noteDrained()
        return outbox.take()
    }

    private mutating func drain(grace: Duration, now: Instant) {
        isDraining = true
        let milliseconds = min(Int(max(0, grace.inMilliseconds)), WireLimits.graceMilliseconds)
        for id in links.keys {
            send(
                .drain(Message.Drain(graceMilliseconds: milliseconds, reason: "the verifier drains")),
                to: id,
                now: now
            )
        }
        for entry in waiting {
            outbox.append(.emit(entry.id, .failed(.draining)))
        }
        waiting.removeAll()
    }

    private mutating func shutdown(now: Instant) {
        isDraining = true
        for entry in waiting {
            outbox.append(.emit(entry.id, .failed(.draining)))
        }
        waiting.removeAll()
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

    private mutating func noteDrained() {
        guard isDraining, !hasNotedDrain, isIdle else { return }
        hasNotedDrain = true
        outbox.append(.note(.drained))
    }
}
