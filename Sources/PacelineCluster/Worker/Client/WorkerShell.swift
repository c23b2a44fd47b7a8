import Logging
import NIOCore
import NIOPosix

/// Carries out a worker machine's effects on one event loop: connections, the compute thread, the log.
final class WorkerShell {
    private let endpoints: [Endpoint]
    private let transport = LinkTransport()
    private var machine: WorkerMachine
    private let compute: DrafterThread
    private let tls: LinkTLS?
    private let logger: Logger
    private let eventLoop: any EventLoop
    private let loop: MachineLoop<WorkerMachine.Event>
    /// Fails when every verifier refuses this worker; succeeds when the worker was shut down.
    private let ended: EventLoopPromise<Void>

    init(
        machine: WorkerMachine,
        endpoints: [Endpoint],
        compute: DrafterThread,
        tls: LinkTLS?,
        logger: Logger,
        eventLoop: any EventLoop,
        ended: EventLoopPromise<Void>
    ) {
        self.machine = machine
        self.endpoints = endpoints
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

    func shutdown() {
        post(.shutdown)
        loop.stop()
        ended.succeed()
    }

    private func handle(_ event: WorkerMachine.Event, now: Instant) -> Instant? {
        perform(machine.handle(event, now: now))
        transport.flush()
        return machine.deadline
    }

    private func perform(_ effects: [WorkerMachine.Effect]) {
        for effect in effects {
            switch effect {
            case .connect(let endpoint, let link): connect(to: endpoints[endpoint], as: link)
            case .link(let id, let action): transport.perform(action, on: id)
            case .draft(let job): draft(job)
            case .note(let note): log(note)
            case .refused(let fault): ended.fail(fault)
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
                    if let tls { try channel.pipeline.syncOperations.addHandler(try tls.workerHandler(for: endpoint)) }
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
        logger.log(
            level: note.level,
            "\(note.description(endpoints: endpoints))",
            metadata: note.request?.metadata
        )
    }
}
