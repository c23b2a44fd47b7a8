package import Logging
import NIOCore
import PacelineSpeculation
import Synchronization

/// A running verifier: the target on its own thread, workers on a listening socket, requests through ``submit(_:)``.
///
/// The machine and everything that acts for it are confined to one event loop. Tasks reach it through this type.
package final class VerifierServer: Sendable {
    /// Where workers connect.
    package let endpoint: Endpoint
    /// The target as it was loaded.
    package let target: TargetDescription
    /// Its figures, as of a few milliseconds ago at most.
    package let board: SnapshotBoard
    /// Its requests, those that run and the latest that ended.
    package let traces: RequestTraces
    /// Its rounds as they come.
    package let feed: RoundFeed
    private let loop: ShellLoop<VerifierShell>
    private let shell: NIOLoopBound<VerifierShell>
    private let listener: any Channel
    private let compute: TargetThread
    private let drafting: [DrafterThread]
    private let lastRequest = Atomic<UInt64>(0)
    private let isShutDown = Atomic<Bool>(false)

    private init(
        at endpoint: Endpoint,
        _ target: TargetDescription,
        _ local: VerifierShell.Local,
        _ running: (loop: ShellLoop<VerifierShell>, shell: NIOLoopBound<VerifierShell>),
        listener: any Channel,
        drafting: [DrafterThread]
    ) {
        self.endpoint = endpoint
        self.target = target
        (board, traces, feed, compute) = (local.board, local.traces, local.feed, local.compute)
        (loop, shell) = running
        self.listener = listener
        self.drafting = drafting
    }

    /// Loads the target and starts to listen.
    ///
    /// - Parameters:
    ///   - listen: where workers connect; a loopback address unless they must authenticate. Port 0 takes any.
    ///   - tls: what workers must show, and this verifier shows them; nil to talk in the clear.
    ///   - residents: drafters to host in this process; each gets a thread.
    ///   - logger: gets joins, losses and refusals of workers.
    ///   - load: called on the compute thread, where the engine stays.
    /// - Throws: ``ShellError``, or what `load` throws.
    package static func start(
        _ configuration: VerifierConfiguration,
        listen: Endpoint,
        tls: LinkTLS? = nil,
        residents: [ResidentDrafters] = [],
        logger: Logger,
        load: @escaping @Sendable (ComputeProgress) throws -> LoadedTarget
    ) async throws -> VerifierServer {
        let isAuthenticated = tls != nil || configuration.link.token != nil
        let address = try VerifierListener.resolve(listen, isAuthenticated: isAuthenticated)
        let loop = ShellLoop<VerifierShell>()
        let loaded = loop.eventLoop.makePromise(of: (TargetDescription, CostCurve).self)
        let compute = TargetThread(load: load, loaded: loaded) { event in
            loop.post { $0.post(event) }
        }
        var drafting: [DrafterThread] = []
        do {
            let (target, costs) = try await loaded.futureResult.get()
            for resident in residents {
                drafting.append(try await resident.startThread(on: loop, index: drafting.count))
            }
            let machine = VerifierMachine(configuration, target: target, costs: costs)
            let local = VerifierShell.Local(traces: RequestTraces(limit: configuration.traceLimit), compute: compute)
            let workers = zip(residents, drafting).map { ($0.machine(link: configuration.link), $1) }
            let shell = try await install(machine, local, workers, on: loop, tls: tls, logger: logger)
            let listener = try await VerifierListener.bind(address, listen, on: loop, shell: shell, logger: logger)
            loop.post { $0.startResidents() }
            let endpoint = Endpoint(host: listen.host, port: listener.localAddress?.port ?? listen.port)
            return VerifierServer(at: endpoint, target, local, (loop, shell), listener: listener, drafting: drafting)
        } catch {
            compute.stop()
            for thread in drafting { thread.stop() }
            try? await loop.end()
            throw error
        }
    }

    /// Puts a machine and the workers of its own process on an event loop.
    private static func install(
        _ machine: VerifierMachine,
        _ local: VerifierShell.Local,
        _ workers: [(WorkerMachine, DrafterThread)],
        on loop: ShellLoop<VerifierShell>,
        tls: LinkTLS?,
        logger: Logger
    ) async throws -> NIOLoopBound<VerifierShell> {
        local.feed.onChange { [weak loop] in loop?.post { $0.observe() } }
        return try await loop.install { eventLoop in
            let residents = workers.map { ResidentWorker($0, compute: $1, logger: logger, eventLoop: eventLoop) }
            return VerifierShell(machine, local, residents, tls: tls, logger: logger, on: eventLoop)
        }
    }

    /// Asks for a generation. A refusal ends the events too.
    package func submit(_ request: GenerationRequest) -> RequestHandle {
        let id = RequestID(rawValue: lastRequest.add(1, ordering: .relaxed).newValue)
        let events = RequestEvents()
        let isAccepted = loop.post { $0.submit(id, request, events: events.buffer) }
        if !isAccepted { _ = events.buffer.push(.failed(.draining)) }
        return RequestHandle(id: id, events: events, traces: traces) { [loop] id in
            loop.post { $0.post(.cancel(id)) }
        }
    }

    /// The verifier in numbers as of now; waits for the event loop. ``board`` never waits.
    package func snapshot() async throws -> VerifierSnapshot {
        let shell = shell
        return try await shell.eventLoop.submit { shell.value.snapshot }.get()
    }

    /// Whether the compute thread has no pass to compute, or has advanced in it within the configuration's
    /// ``VerifierConfiguration/hangLimit``.
    package func isComputeAlive() async throws -> Bool {
        let shell = shell
        return try await shell.eventLoop.submit { shell.value.isComputeAlive }.get()
    }

    /// Takes no new requests. Returns when the running ones have ended, at the latest after `grace`.
    package func drain(grace: Duration) async throws {
        let shell = shell
        let done = shell.eventLoop.makePromise(of: Void.self)
        shell.eventLoop.execute { shell.value.drain(grace: grace, done: done) }
        let timeout = shell.eventLoop.scheduleTask(in: .nanoseconds(grace.saturatedNanoseconds)) { done.succeed() }
        try await done.futureResult.get()
        timeout.cancel()
    }

    /// Ends everything: requests fail, workers are told, the compute thread stops after its pass. Takes well under a
    /// second: a pass that runs longer is not waited for. A second call returns at once.
    package func shutdown() async throws {
        guard !isShutDown.exchange(true, ordering: .relaxed) else { return }
        let shell = shell
        try? await listener.close()
        // The machine ends first: if it still started passes, a stopped thread would look like a failure.
        try await shell.eventLoop.submit { shell.value.shutdown() }.get()
        compute.stop()
        await compute.end()
        for thread in drafting { await thread.end() }
        try await loop.end()
    }
}

extension VerifierMachine {
    /// The machine of a new process life.
    fileprivate init(_ configuration: VerifierConfiguration, target: TargetDescription, costs: CostCurve) {
        self.init(
            configuration: configuration,
            target: target,
            costs: costs,
            incarnation: .random(in: 1...UInt64.max)
        )
    }
}
