package import Logging
import NIOCore
import NIOPosix
import PacelineSpeculation
import Synchronization

/// A running verifier: the target on a thread of its own, workers on a listening socket, requests through
/// ``submit(_:)``.
///
/// The machine and everything that acts for it are confined to one event loop; this type is the door to it for tasks.
package final class VerifierServer: Sendable {
    /// Where workers connect.
    package let endpoint: Endpoint
    /// The target as it was loaded.
    package let target: TargetDescription
    private let group: MultiThreadedEventLoopGroup
    private let shell: NIOLoopBound<VerifierShell>
    private let listener: any Channel
    private let compute: TargetThread
    private let gate: LoopGate
    private let lastRequest = Atomic<UInt64>(0)
    private let isShutDown = Atomic<Bool>(false)

    private init(
        endpoint: Endpoint,
        target: TargetDescription,
        group: MultiThreadedEventLoopGroup,
        shell: NIOLoopBound<VerifierShell>,
        listener: any Channel,
        compute: TargetThread,
        gate: LoopGate
    ) {
        self.endpoint = endpoint
        self.target = target
        self.group = group
        self.shell = shell
        self.listener = listener
        self.compute = compute
        self.gate = gate
    }

    /// Loads the target and starts to listen.
    ///
    /// - Parameters:
    ///   - listen: where workers connect; a loopback address unless they must authenticate. Port 0 takes any.
    ///   - tls: what workers must show, and this verifier shows them; nil to talk in the clear.
    ///   - logger: gets joins, losses and refusals of workers.
    ///   - load: called on the compute thread, where the engine stays.
    /// - Throws: ``ShellError``, or what `load` throws.
    package static func start(
        _ configuration: VerifierConfiguration,
        listen: Endpoint,
        tls: LinkTLS? = nil,
        logger: Logger,
        load: @escaping @Sendable (ComputeProgress) throws -> LoadedTarget
    ) async throws -> VerifierServer {
        let isAuthenticated = tls != nil || configuration.link.token != nil
        let address = try VerifierListener.resolve(listen, isAuthenticated: isAuthenticated)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let eventLoop = group.next()
        let loaded = eventLoop.makePromise(of: (TargetDescription, CostCurve).self)
        let shellBox = NIOLoopBoundBox.makeEmptyBox(valueType: VerifierShell.self, eventLoop: eventLoop)
        let gate = LoopGate(eventLoop)
        let compute = TargetThread(load: load, loaded: loaded) { report in
            gate.execute { shellBox.value?.receive(report) }
        }
        do {
            let (target, costs) = try await loaded.futureResult.get()
            let machine = VerifierMachine(
                configuration: configuration,
                target: target,
                costs: costs,
                incarnation: .random(in: 1...UInt64.max)
            )
            let shell = try await eventLoop.submit {
                let shell = VerifierShell(machine, compute: compute, tls: tls, logger: logger, eventLoop: eventLoop)
                shellBox.value = shell
                return NIOLoopBound(shell, eventLoop: eventLoop)
            }.get()
            let listener = try await VerifierListener.bind(address, listen, group: group, shell: shell, logger: logger)
            return VerifierServer(
                endpoint: Endpoint(host: listen.host, port: listener.localAddress?.port ?? listen.port),
                target: target,
                group: group,
                shell: shell,
                listener: listener,
                compute: compute,
                gate: gate
            )
        } catch {
            compute.stop()
            gate.close()
            try? await group.shutdownGracefully()
            throw error
        }
    }

    /// Asks for a generation. A refusal, too, comes as the events' end.
    package func submit(_ request: GenerationRequest) -> RequestHandle {
        let id = RequestID(rawValue: lastRequest.add(1, ordering: .relaxed).newValue)
        let events = RequestEvents()
        let (shell, gate) = (shell, gate)
        let isAccepted = gate.execute { shell.value.submit(id, request, events: events.buffer) }
        if !isAccepted { _ = events.buffer.push(.failed(.draining)) }
        return RequestHandle(id: id, events: events) { id in
            gate.execute { shell.value.post(.cancel(id)) }
        }
    }

    /// The verifier in numbers.
    package func snapshot() async throws -> VerifierSnapshot {
        let shell = shell
        return try await shell.eventLoop.submit { shell.value.snapshot }.get()
    }

    /// Takes no new requests and returns when those that run have ended, at the latest after `grace`.
    package func drain(grace: Duration) async throws {
        let shell = shell
        let done = shell.eventLoop.makePromise(of: Void.self)
        shell.eventLoop.execute { shell.value.drain(grace: grace, done: done) }
        let timeout = shell.eventLoop.scheduleTask(in: .nanoseconds(grace.saturatedNanoseconds)) { done.succeed() }
        try await done.futureResult.get()
        timeout.cancel()
    }

    /// Ends everything: requests fail, workers are told, the compute thread stops after its pass. Takes well under a
    /// second unless a pass refuses to end, which it is then left to do alone. A second call returns at once.
    package func shutdown() async throws {
        guard !isShutDown.exchange(true, ordering: .relaxed) else { return }
        let shell = shell
        try? await listener.close()
        // The machine first: to one that still starts passes a thread that takes none has failed.
        try await shell.eventLoop.submit { shell.value.shutdown() }.get()
        compute.stop()
        await compute.end()
        gate.close()
        try await group.shutdownGracefully()
    }
}
