package import Logging
import NIOCore
import NIOPosix
import Synchronization

/// A running worker: drafters on a thread of their own, a connection to each verifier, made again when it breaks.
package final class WorkerClient: Sendable {
    private let group: MultiThreadedEventLoopGroup
    private let shell: NIOLoopBound<WorkerShell>
    private let compute: DrafterThread
    private let gate: LoopGate
    private let ended: EventLoopFuture<Void>
    private let isShutDown = Atomic<Bool>(false)

    private init(
        group: MultiThreadedEventLoopGroup,
        shell: NIOLoopBound<WorkerShell>,
        compute: DrafterThread,
        gate: LoopGate,
        ended: EventLoopFuture<Void>
    ) {
        self.group = group
        self.shell = shell
        self.compute = compute
        self.gate = gate
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
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let eventLoop = group.next()
        let loaded = eventLoop.makePromise(of: Void.self)
        let ended = eventLoop.makePromise(of: Void.self)
        let shellBox = NIOLoopBoundBox.makeEmptyBox(valueType: WorkerShell.self, eventLoop: eventLoop)
        let gate = LoopGate(eventLoop)
        let compute = DrafterThread(load: load, loaded: loaded) { result in
            gate.execute { shellBox.value?.post(.drafted(result)) }
        }
        do {
            try await loaded.futureResult.get()
        } catch {
            ended.fail(error)
            compute.stop()
            gate.close()
            try? await group.shutdownGracefully()
            throw error
        }
        let machine = WorkerMachine(
            configuration: configuration,
            endpoints: endpoints.count,
            incarnation: .random(in: 1...UInt64.max),
            seed: .random(in: 0...UInt64.max)
        )
        let shell = try await eventLoop.submit {
            let shell = WorkerShell(
                machine: machine,
                endpoints: endpoints,
                compute: compute,
                tls: tls,
                logger: logger,
                eventLoop: eventLoop,
                ended: ended
            )
            shellBox.value = shell
            shell.post(.timer)
            return NIOLoopBound(shell, eventLoop: eventLoop)
        }.get()
        return WorkerClient(group: group, shell: shell, compute: compute, gate: gate, ended: ended.futureResult)
    }

    /// Returns when the worker was shut down.
    ///
    /// - Throws: ``LinkFault`` if no verifier will have this worker, whatever it tries.
    package func waitUntilEnded() async throws {
        try await ended.get()
    }

    /// Leaves the verifiers and ends. Takes well under a second unless a draft step refuses to end, which it is then
    /// left to do alone. A second call returns at once.
    package func shutdown() async throws {
        guard !isShutDown.exchange(true, ordering: .relaxed) else { return }
        let shell = shell
        compute.stop()
        try await shell.eventLoop.submit { shell.value.shutdown() }.get()
        await compute.end()
        gate.close()
        try await group.shutdownGracefully()
    }
}
