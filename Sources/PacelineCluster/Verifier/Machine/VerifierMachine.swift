package import NIOCore
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
        case accepted(LinkID, LinkArrival)
        case received(LinkID, ByteBuffer)
        /// So many bytes that were written to the link have left for the network.
        case flushed(LinkID, bytes: Int)
        case disconnected(LinkID, reason: String?)
        /// The transport does not trust the other side, or is not trusted by it.
        case distrusted(LinkID, reason: String)
        /// A client asks; the id is new.
        case submit(RequestID, GenerationRequest)
        /// A client is no longer interested.
        case cancel(RequestID)
        /// A client takes its events too slowly.
        case overflow(RequestID, waitingTokens: Int)
        /// The compute thread is idle again: one outcome for each round of its pass, and how long it was at it.
        case passFinished([RoundOutcome], milliseconds: Double)
        /// The engine can compute no more.
        case passFailed(String)
        /// The compute thread's stamp moved.
        case progressed
        /// ``VerifierMachine/deadline`` has come.
        case timer
        /// Take no new requests, and finish those that run.
        case drain(grace: Duration)
        /// End everything now.
        case shutdown
    }

    package enum Effect: Sendable {
        case write(LinkID, ByteBuffer)
        /// Close the transport once what was written has left, and at once if that takes long.
        case close(LinkID)
        /// Take no more bytes from the transport until reading resumes.
        case pauseReading(LinkID)
        case resumeReading(LinkID)
        /// Hand the pass to the compute thread, which is idle.
        case run(Pass)
        case emit(RequestID, RequestEvent)
        case note(VerifierNote)
    }

    struct Link: Sendable {
        var machine: LinkMachine
        let host: String
        var worker: WorkerRecord?
    }

    let configuration: VerifierConfiguration
    let target: TargetDescription
    let identity: VerifierIdentity
    var links = SortedTable<LinkID, Link>()
    var running = SortedTable<RequestID, VerifierSequence>()
    var waiting: [(id: RequestID, request: GenerationRequest)] = []
    var scheduler: PassScheduler
    var ledger = DraftLedger()
    var watchdog: ComputeWatchdog
    var isComputeAlive = true
    var service = ServiceState()
    var statistics = VerifierStatistics()
    var archive = ProfileArchive()
    var outbox: [Effect] = []

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
            versions: configuration.link.versions
        )
        watchdog = ComputeWatchdog(stallLimit: configuration.link.stallLimit)
    }

    /// When a ``Event/timer`` is due; nil if nothing waits for time to pass.
    package var deadline: Instant? {
        var deadlines = links.values.compactMap(\.machine.deadline)
        if let wait = scheduler.deadline { deadlines.append(wait) }
        if isComputeAlive, let stall = watchdog.deadline { deadlines.append(stall) }
        return deadlines.min()
    }

    package mutating func handle(_ event: Event, now: Instant) -> [Effect] {
        switch event {
        case .accepted(let id, let arrival): accept(id, arrival, now: now)
        case .received(let id, let bytes): drive(id, .received(bytes), now: now)
        case .flushed(let id, let bytes): drive(id, .flushed(bytes: bytes), now: now)
        case .disconnected(let id, let reason): drive(id, .disconnected(reason: reason), now: now)
        case .distrusted(let id, let reason): drive(id, .distrusted(reason: reason), now: now)
        case .submit(let id, let request): submit(id, request, now: now)
        case .cancel(let id): cancel(id, now: now)
        case .overflow(let id, let count): fail(id, .slowConsumer(waitingTokens: count), now: now)
        case .passFinished(let outcomes, let milliseconds): finishPass(outcomes, milliseconds: milliseconds, now: now)
        case .passFailed(let reason): failEngine(reason, now: now)
        case .progressed: progressed(now: now)
        case .timer: tick(now: now)
        case .drain(let grace): drain(grace: grace, now: now)
        case .shutdown: shutdown(now: now)
        }
        startPassIfDue(now: now)
        if service.noteDrained(isIdle: isIdle) { outbox.append(.note(.drained)) }
        defer { outbox.removeAll(keepingCapacity: true) }
        return outbox
    }

    private mutating func tick(now: Instant) {
        for id in links.keys {
            guard let deadline = links[id]?.machine.deadline, deadline <= now else { continue }
            drive(id, .timer, now: now)
        }
        checkWatchdog(now: now)
    }

    private mutating func progressed(now: Instant) {
        watchdog.progressed(now: now)
        checkWatchdog(now: now)
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
            drive(id, .abort(.shutdown), now: now)
        }
    }

    /// Whether no request runs or waits.
    package var isIdle: Bool {
        running.isEmpty && waiting.isEmpty
    }
}
