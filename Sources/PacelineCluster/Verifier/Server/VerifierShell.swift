import Logging
import NIOCore
import PacelineSpeculation

/// Carries out a verifier machine's effects on one event loop: sockets, the compute thread, clients, the log.
final class VerifierShell {
    let transport = LinkTransport()
    private var machine: VerifierMachine
    private let compute: TargetThread
    private let tls: LinkTLS?
    private let logger: Logger
    private let loop: MachineLoop<VerifierMachine.Event>
    private var clients: [RequestID: RequestEvents.Buffer] = [:]
    private var lastLink: UInt64 = 0
    private let residents: [ResidentWorker]
    /// The links of residents.
    private var memoryLinks: [LinkID: MemoryLink] = [:]
    private let eventLoop: any EventLoop
    private var refusals = RefusalLog()
    private var drained: [EventLoopPromise<Void>] = []
    private let connectionLimit: Int
    private let board: SnapshotBoard
    private let traces: RequestTraces
    private let feed: RoundFeed
    private var meter: RequestMeter
    private var publication = PublicationPolicy()
    private var observation = ObservationPolicy()

    /// Makes the channel's initialisation fail, which closes it.
    private struct Crowded: Error, CustomStringConvertible {
        var description: String { "too many connections are open" }
    }

    /// What the process shares with the shell.
    struct Local: Sendable {
        /// Where figures are published.
        let board = SnapshotBoard()
        /// Where rounds are remembered, and shown to those who watch.
        let traces: RequestTraces
        let feed = RoundFeed()
        let compute: TargetThread
    }

    init(
        _ machine: VerifierMachine,
        _ local: Local,
        _ residents: [ResidentWorker],
        tls: LinkTLS?,
        logger: Logger,
        on eventLoop: any EventLoop
    ) {
        self.machine = machine
        (board, compute, traces, feed) = (local.board, local.compute, local.traces, local.feed)
        self.residents = residents
        self.eventLoop = eventLoop
        meter = RequestMeter(contextLength: machine.target.contextLength)
        connectionLimit = machine.configuration.workerLimit + 2 * machine.configuration.pendingLimit
        self.tls = tls
        self.logger = logger
        loop = MachineLoop(on: eventLoop, timer: .timer, progressed: .progressed, progress: compute.progress)
        loop.handle = { [unowned self] event, now in handle(event, now: now) }
        transport.deliver = { [unowned self] id, event in post(.link(id, event)) }
        for resident in residents {
            resident.connect = { [unowned self] in connect($0) }
        }
        board.publish(figures)
        traces.begin(loop.clock)
        observe()
    }

    /// Has the machine record what traces and viewers need, which is nothing if there are neither.
    func observe() {
        let watched = feed.watched
        post(.observe(Observation(recordsRounds: traces.limit > 0 || watched != nil, trees: watched ?? [])))
    }

    /// Makes a link to a worker of this process.
    ///
    /// - Parameter deliver: takes what happens to the worker's end.
    private func connect(_ deliver: @escaping (LinkEvent) -> Void) -> MemoryLink {
        lastLink += 1
        let id = LinkID(rawValue: lastLink)
        let link = MemoryLink(
            on: eventLoop,
            verifier: { [weak self] event in self?.post(.link(id, event)) },
            worker: deliver
        )
        memoryLinks[id] = link
        post(.accepted(id, host: "this process", nonce: .random()))
        return link
    }

    /// Lets the workers of this process connect.
    func startResidents() {
        for resident in residents { resident.post(.timer) }
    }

    /// The drafting thread of a worker of this process has done something.
    func report(_ event: WorkerMachine.Event, ofResident index: Int) {
        residents[index].post(event)
    }

    var snapshot: VerifierSnapshot { machine.snapshot }
    var isComputeAlive: Bool {
        machine.links.watchdog.isAlive(now: loop.clock.now(), limit: machine.configuration.hangLimit)
    }

    private var figures: SnapshotBoard.Figures {
        SnapshotBoard.Figures(verifier: machine.snapshot, requests: meter.figures)
    }

    func post(_ event: VerifierMachine.Event) {
        loop.post(event)
    }

    /// Takes a connection that came in, or closes it if there are more than the machine may ever hold.
    func accept(_ channel: any Channel) throws {
        guard transport.count < connectionLimit else { throw Crowded() }
        lastLink += 1
        let id = LinkID(rawValue: lastLink)
        if let tls { try channel.pipeline.syncOperations.addHandler(tls.verifierHandler()) }
        try channel.pipeline.syncOperations.addHandler(LinkChannelHandler(id: id, transport: transport, tls: tls))
        transport.add(id, channel)
        let host = channel.remoteAddress?.ipAddress ?? "an unnamed socket"
        post(.accepted(id, host: host, nonce: .random()))
    }

    func submit(_ id: RequestID, _ request: GenerationRequest, events: RequestEvents.Buffer) {
        clients[id] = events
        post(.submit(id, request))
    }

    func drain(grace: Duration, done: EventLoopPromise<Void>) {
        drained.append(done)
        post(.drain(grace: grace))
        // A second drain finds nothing left to note.
        if machine.isIdle { finishDrain() }
    }

    func shutdown() {
        for resident in residents { resident.shutdown() }
        post(.shutdown)
        loop.stop()
        finishDrain()
    }

    private func handle(_ event: VerifierMachine.Event, now: Instant) -> Instant? {
        if case .submit(let id, let request) = event {
            meter.submitted(id, promptTokens: request.prompt.count, now: now)
            traces.submitted(id, request, now: now)
        }
        perform(machine.handle(event, now: now), now: now)
        transport.flush()
        publish(publication.changed(now: now), now: now)
        if observation.isDue(now: now) { board.publish(machine.draftingObservation) }
        return machine.deadline
    }

    private func publish(_ decision: PublicationPolicy.Decision, now: Instant) {
        switch decision {
        case .publish: board.publish(figures)
        case .join: break
        case .wait(let duration):
            let delay = TimeAmount.nanoseconds(duration.saturatedNanoseconds)
            eventLoop.assumeIsolated().scheduleTask(in: delay) { [weak self] in
                guard let self else { return }
                publication.waited(now: now + duration)
                board.publish(figures)
            }
        }
    }

    private func perform(_ effects: [VerifierMachine.Effect], now: Instant) {
        for effect in effects {
            switch effect {
            case .link(let id, let action): act(action, on: id)
            case .run(let pass): run(pass)
            case .emit(let request, let event):
                meter.emitted(event, of: request, now: now)
                traces.add(event, to: request, now: now)
                emit(event, to: request)
            case .note(let note): log(note, now: now)
            case .round(let record):
                traces.add(record)
                feed.add(record)
            }
        }
    }

    private func act(_ action: LinkAction, on id: LinkID) {
        guard let link = memoryLinks[id] else { return transport.perform(action, on: id) }
        link.perform(action, of: .verifier)
        if case .close = action { memoryLinks[id] = nil }
    }

    private func run(_ pass: Pass) {
        guard !compute.offer(pass) else { return }
        post(.passFailed("the compute thread has ended"))
    }

    private func emit(_ event: RequestEvent, to request: RequestID) {
        guard let client = clients[request] else { return }
        let isWithinLimit = client.push(event)
        if event.isLast {
            clients[request] = nil
        } else if !isWithinLimit {
            post(.overflow(request, waitingTokens: RequestEvents.limit))
        }
    }

    private func log(_ note: VerifierNote, now: Instant) {
        if case .linkClosed(_, name: nil, _) = note {
            let (isLogged, unlogged) = refusals.refused(now: now)
            if unlogged > 0 { logger.warning("\(unlogged) more connections were refused") }
            guard isLogged else { return }
        }
        logger.log(level: note.level, "\(note)", metadata: note.request.flatMap { traces.name(of: $0)?.tag.metadata })
        if note == .drained { finishDrain() }
    }

    private func finishDrain() {
        for promise in drained {
            promise.succeed()
        }
        drained.removeAll()
    }
}

/// Decides which refused connections get a line in the log: a first burst, then a few a second, the rest as a count. So
/// nobody can fill a disk by hammering at the port.
struct RefusalLog: Sendable {
    private static let linesPerSecond = 10
    private var allowance = RateAllowance(perSecond: Self.linesPerSecond, burst: 64)
    /// Refusals since the last line.
    private var unlogged = 0

    /// A connection was refused.
    ///
    /// - Returns: whether to log it, and how many before it were left out.
    mutating func refused(now: Instant) -> (isLogged: Bool, unlogged: Int) {
        guard allowance.readyAt(now: now) <= now else {
            unlogged += 1
            return (false, 0)
        }
        allowance.take(1, now: now)
        defer { unlogged = 0 }
        return (true, unlogged)
    }
}
