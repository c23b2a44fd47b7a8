package import Logging
import NIOCore
import Synchronization

/// A running worker: drafters on their own thread, and a connection to each verifier, renewed when it breaks.
package final class WorkerClient: Sendable {
    private let loop: ShellLoop<WorkerShell>
    private let shell: NIOLoopBound<WorkerShell>
    private let compute: DrafterThread
    private let ended: EventLoopFuture<Void>
    private let isShutDown = Atomic<Bool>(false)

    private init(
        loop: ShellLoop<WorkerShell>,
        shell: NIOLoopBound<WorkerShell>,
        compute: DrafterThread,
        ended: EventLoopFuture<Void>
    ) {
        self.loop = loop
        self.shell = shell
        self.compute = compute
        self.ended = ended
    }

    /// Loads the drafters and starts to connect; it is no error if no verifier is there yet.
    ///
    /// - Parameters:
    ///   - endpoints: the verifiers, at least one.
    ///   - tls: what verifiers must show, and this worker shows them; nil to talk in the clear.
    ///   - load: called on the compute thread, where the drafters stay.
    /// - Throws: what `load` throws.
    package static func start(
        _ configuration: WorkerConfiguration,
        endpoints: [Endpoint],
        tls: LinkTLS? = nil,
        logger: Logger,
        load: @escaping @Sendable (ComputeProgress) throws -> any DrafterSource
    ) async throws -> WorkerClient {
        let loop = ShellLoop<WorkerShell>()
        let loaded = loop.eventLoop.makePromise(of: Void.self)
        let compute = DrafterThread(load: load, loaded: loaded) { event in
            loop.post { $0.post(event) }
        }
        do {
            try await loaded.futureResult.get()
        } catch {
            compute.stop()
            try? await loop.end()
            throw error
        }
        let machine = WorkerMachine(configuration, endpoints: endpoints.count)
        let ended = loop.eventLoop.makePromise(of: Void.self)
        let shell = try await loop.install { eventLoop in
            WorkerShell(
                machine: machine,
                endpoints: endpoints,
                compute: compute,
                tls: tls,
                logger: logger,
                eventLoop: eventLoop,
                ended: ended
            )
        }
        loop.post { $0.post(.timer) }
        return WorkerClient(loop: loop, shell: shell, compute: compute, ended: ended.futureResult)
    }

    /// Returns when the worker was shut down.
    ///
    /// - Throws: ``LinkFault`` if no verifier will have this worker, whatever it tries.
    package func waitUntilEnded() async throws {
        try await ended.get()
    }

    /// Leaves the verifiers and ends. Takes well under a second: a draft step that runs longer is not waited for. A
    /// second call returns at once.
    package func shutdown() async throws {
        guard !isShutDown.exchange(true, ordering: .relaxed) else { return }
        let shell = shell
        compute.stop()
        try await shell.eventLoop.submit { shell.value.shutdown() }.get()
        await compute.end()
        try await loop.end()
    }
}

extension WorkerMachine {
    /// The machine of a new process life.
    init(_ configuration: WorkerConfiguration, endpoints: Int) {
        self.init(
            configuration: configuration,
            endpoints: endpoints,
            incarnation: .random(in: 1...UInt64.max),
            seed: .random(in: 0...UInt64.max)
        )
    }
}
