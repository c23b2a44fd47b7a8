import Logging
import NIOCore
import NIOPosix
import PacelineSpeculation

/// Carries out a worker machine's effects on one event loop: connections, the compute thread, the log.
final class WorkerShell {
    private let transport = LinkTransport()
    private var machine: WorkerMachine
    private let compute: DrafterThread
    private let tls: LinkTLS?
    private let logger: Logger
    private let eventLoop: any EventLoop
    private let loop: MachineLoop<WorkerMachine.Event>
    private let board: WorkerBoard
    private var publication = PublicationPolicy()
    private var drained: [EventLoopPromise<Void>] = []
    /// By address: the name that the verifier's certificate must have, if it is not the address's own.
    private var certificateNames: [Endpoint: String] = [:]
    /// Fails when every verifier refuses this worker; succeeds when the worker was shut down.
    private let ended: EventLoopPromise<Void>

    init(
        machine: WorkerMachine,
        board: WorkerBoard,
        compute: DrafterThread,
        tls: LinkTLS?,
        logger: Logger,
        eventLoop: any EventLoop,
        ended: EventLoopPromise<Void>
    ) {
        self.machine = machine
        self.board = board
        self.compute = compute
        self.tls = tls
        self.logger = logger
        self.eventLoop = eventLoop
        self.ended = ended
        loop = MachineLoop(on: eventLoop, timer: .timer, progressed: .progressed, progress: compute.progress)
        loop.handle = { [unowned self] event, now in handle(event, now: now) }
        transport.deliver = { [unowned self] id, event in post(.link(id, event)) }
    }

    func post(_ event: WorkerMachine.Event) {
        loop.post(event)
    }

    /// Serves these verifiers from now on.
    func follow(_ directory: VerifierDirectory) {
        certificateNames = directory.certificateNames
        post(.verifiers(directory.endpoints))
    }

    /// Leaves all verifiers, which takes `grace` at most.
    func drain(grace: Duration, done: EventLoopPromise<Void>) {
        drained.append(done)
        post(.drain(grace: grace))
    }

    func shutdown() {
        post(.shutdown)
        loop.stop()
        finishDrain()
        ended.succeed()
    }

    var isComputeAlive: Bool { machine.isComputeAlive(now: loop.clock.now()) }

    private func handle(_ event: WorkerMachine.Event, now: Instant) -> Instant? {
        perform(machine.handle(event, now: now))
        transport.flush()
        publish(publication.changed(now: now), now: now)
        return machine.deadline
    }

    private func publish(_ decision: PublicationPolicy.Decision, now: Instant) {
        switch decision {
        case .publish: board.publish(machine.snapshot(now: now))
        case .join: break
        case .wait(let duration):
            let delay = TimeAmount.nanoseconds(duration.saturatedNanoseconds)
            eventLoop.assumeIsolated().scheduleTask(in: delay) { [weak self] in
                guard let self else { return }
                publication.waited(now: now + duration)
                board.publish(machine.snapshot(now: now + duration))
            }
        }
    }

    private func finishDrain() {
        for promise in drained { promise.succeed() }
        drained.removeAll()
    }

    private func perform(_ effects: [WorkerMachine.Effect]) {
        for effect in effects {
            switch effect {
            case .connect(let endpoint, let link): connect(to: endpoint, as: link)
            case .link(let id, let action): transport.perform(action, on: id)
            case .draft(let job): draft(job)
            case .note(let note): log(note)
            case .refused(let fault): ended.fail(fault)
            case .drained: finishDrain()
            }
        }
    }

    private func draft(_ job: DraftJob) {
        guard !compute.offer(job) else { return }
        ended.fail(ShellError.cannotLoad("the drafting thread ended unexpectedly; restart this worker"))
    }

    private func connect(to endpoint: Endpoint, as id: LinkID) {
        let shell = NIOLoopBound(self, eventLoop: eventLoop)
        LinkBootstrap.client(on: eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls = shell.value.tls
                    let name = shell.value.certificateNames[endpoint] ?? endpoint.host
                    if let tls { try channel.pipeline.syncOperations.addHandler(try tls.workerHandler(for: name)) }
                    let handler = LinkChannelHandler(id: id, transport: shell.value.transport, tls: tls)
                    try channel.pipeline.syncOperations.addHandler(handler)
                    shell.value.transport.add(id, channel)
                }
            }
            .connect(host: endpoint.host, port: endpoint.port)
            .assumeIsolated()
            .whenComplete { result in
                shell.value.connected(id, result)
            }
    }

    private func connected(_ id: LinkID, _ result: Result<any Channel, any Error>) {
        switch result {
        case .success:
            post(.link(id, .connected(.random())))
        case .failure(let error):
            transport.unreachable(id, SocketFailure(error))
        }
    }

    private func log(_ note: WorkerNote) {
        logger.log(level: note.level, "\(note)", metadata: note.request?.metadata)
    }
}
