import Logging
import NIOCore

/// Drafters that a verifier hosts in its own process.
package struct ResidentDrafters: Sendable {
    /// Of the worker that they make; the link's settings are the verifier's.
    package var configuration: WorkerConfiguration
    /// Called on a thread of their own, where the drafters stay.
    package var load: @Sendable (ComputeProgress) throws -> any DrafterSource

    package init(
        _ configuration: WorkerConfiguration,
        load: @escaping @Sendable (ComputeProgress) throws -> any DrafterSource
    ) {
        self.configuration = configuration
        self.load = load
    }

    /// Starts the thread and loads the drafters.
    ///
    /// - Parameters:
    ///   - loop: of the verifier, which gets the thread's reports.
    ///   - index: names the worker to the verifier's shell.
    func startThread(on loop: ShellLoop<VerifierShell>, index: Int) async throws -> DrafterThread {
        let loaded = loop.eventLoop.makePromise(of: Void.self)
        let thread = DrafterThread(load: load, loaded: loaded) { event in
            loop.post { $0.report(event, ofResident: index) }
        }
        do {
            try await loaded.futureResult.get()
        } catch {
            thread.stop()
            throw error
        }
        return thread
    }

    /// The machine of a new worker.
    func machine(link: LinkConfiguration) -> WorkerMachine {
        var configuration = configuration
        configuration.link = link
        return WorkerMachine(configuration, verifiers: [Endpoint(host: "this process", port: 0)])
    }
}

/// A worker inside a verifier's process: the machine and the thread of any worker, on the verifier's event loop. Links
/// in memory take the place of sockets.
final class ResidentWorker {
    private var machine: WorkerMachine
    private let compute: DrafterThread
    private let logger: Logger
    private let loop: MachineLoop<WorkerMachine.Event>
    private var links: [LinkID: MemoryLink] = [:]
    /// Makes a link to the verifier, whose events at this end go to the closure. The owner sets it.
    var connect: ((@escaping (LinkEvent) -> Void) -> MemoryLink)?

    init(_ machine: WorkerMachine, compute: DrafterThread, logger: Logger, eventLoop: any EventLoop) {
        self.machine = machine
        self.compute = compute
        self.logger = logger
        loop = MachineLoop(on: eventLoop, timer: .timer, progressed: .progressed, progress: compute.progress)
        loop.handle = { [unowned self] event, now in handle(event, now: now) }
    }

    func post(_ event: WorkerMachine.Event) {
        loop.post(event)
    }

    func shutdown() {
        post(.shutdown)
        loop.stop()
        compute.stop()
    }

    private func handle(_ event: WorkerMachine.Event, now: Instant) -> Instant? {
        for effect in machine.handle(event, now: now) {
            switch effect {
            case .connect(_, let link): open(link)
            case .link(let id, let action):
                links[id]?.perform(action, of: .worker)
                if case .close = action { links[id] = nil }
            case .draft(let job):
                if !compute.offer(job) {
                    logger.error("the drafting thread of \(machine.configuration.name) has ended")
                }
            case .note(.sessionFailed(_, let tag, let reason)):
                logger.error(
                    "\(machine.configuration.name): drafting failed: \(reason)",
                    metadata: tag?.metadata
                )
            // The verifier tells of the link.
            case .note, .drained: break
            case .refused(let fault): logger.error("\(machine.configuration.name) cannot draft here: \(fault)")
            }
        }
        return machine.deadline
    }

    private func open(_ id: LinkID) {
        links[id] = connect? { [weak self] event in self?.post(.link(id, event)) }
        post(.link(id, .connected(.random())))
    }
}
