package import Logging
import NIOCore
import Synchronization

/// A running worker: drafters on their own thread, and a connection to each verifier, renewed when it breaks.
package final class WorkerClient: Sendable {
    /// The latest figures, for readers that must not wait.
    package let board: WorkerBoard
    private let loop: ShellLoop<WorkerShell>
    private let shell: NIOLoopBound<WorkerShell>
    private let compute: DrafterThread
    private let ended: EventLoopFuture<Void>
    private let directory: Mutex<VerifierDirectory>
    private let logger: Logger
    private let isShutDown = Atomic<Bool>(false)

    private init(
        board: WorkerBoard,
        directory: VerifierDirectory,
        logger: Logger,
        loop: ShellLoop<WorkerShell>,
        shell: NIOLoopBound<WorkerShell>,
        compute: DrafterThread,
        ended: EventLoopFuture<Void>
    ) {
        self.board = board
        self.directory = Mutex(directory)
        self.logger = logger
        self.loop = loop
        self.shell = shell
        self.compute = compute
        self.ended = ended
    }

    /// Loads the drafters and starts to connect; it is no error if no verifier is there yet.
    ///
    /// - Parameters:
    ///   - verifiers: those to serve; ``follow(_:)`` may find more.
    ///   - tls: what verifiers must show, and this worker shows them; nil to talk in the clear.
    ///   - load: called on the compute thread, where the drafters stay.
    /// - Throws: what `load` throws.
    package static func start(
        _ configuration: WorkerConfiguration,
        verifiers: [Endpoint],
        tls: LinkTLS? = nil,
        logger: Logger,
        load: @escaping @Sendable (ComputeProgress) throws -> any DrafterSource
    ) async throws -> WorkerClient {
        let loop = ShellLoop<WorkerShell>()
        let compute = try await startThread(on: loop, load)
        let machine = WorkerMachine(configuration, verifiers: verifiers)
        let directory = VerifierDirectory(
            verifiers,
            memberLimit: configuration.memberLimit,
            salt: .random(in: .min ... .max)
        )
        let board = WorkerBoard(machine.snapshot(now: .zero))
        let ended = loop.eventLoop.makePromise(of: Void.self)
        let shell = try await loop.install { eventLoop in
            WorkerShell(
                machine: machine,
                board: board,
                compute: compute,
                tls: tls,
                logger: logger,
                eventLoop: eventLoop,
                ended: ended
            )
        }
        loop.post { $0.post(.timer) }
        return WorkerClient(
            board: board,
            directory: directory,
            logger: logger,
            loop: loop,
            shell: shell,
            compute: compute,
            ended: ended.futureResult
        )
    }

    /// Loads the drafters on a thread of their own; ends `loop` if they cannot be loaded.
    private static func startThread(
        on loop: ShellLoop<WorkerShell>,
        _ load: @escaping @Sendable (ComputeProgress) throws -> any DrafterSource
    ) async throws -> DrafterThread {
        let loaded = loop.eventLoop.makePromise(of: Void.self)
        let compute = DrafterThread(load: load, loaded: loaded) { event in
            loop.post { $0.post(event) }
        }
        do {
            try await loaded.futureResult.get()
            return compute
        } catch {
            compute.stop()
            try? await loop.end()
            throw error
        }
    }

    /// Finds the members of groups, serves them too, and follows as they change, until the task is cancelled.
    package func follow(_ groups: [NameDiscovery]) async {
        await withTaskGroup(of: Void.self) { tasks in
            for group in groups {
                tasks.addTask { await group.watch { self.found($0, of: group) } }
            }
        }
    }

    private func found(_ answer: Result<[Endpoint], ShellError>, of group: NameDiscovery) {
        switch answer {
        case .success(let members):
            logger.info(
                "\(group) has \(members.count) verifiers: \(members.map(\.description).joined(separator: ", "))"
            )
            directory.withLock { directory in
                directory.found(members, of: group)
                let (serving, known) = (directory.endpoints.count, directory.knownCount)
                if serving < known { logger.info("serves \(serving) of the \(known) verifiers that it knows") }
                loop.post { [directory] in $0.follow(directory) }
            }
        case .failure(let error): logger.warning("\(error); the verifiers stay those that were found before")
        }
    }

    /// Whether the compute thread has nothing to draft, or has advanced in it lately.
    package func isComputeAlive() async throws -> Bool {
        let shell = shell
        return try await shell.eventLoop.submit { shell.value.isComputeAlive }.get()
    }

    /// Tells all verifiers to do without this worker, and leaves each as soon as it has taken its requests back.
    ///
    /// - Parameter grace: the longest that this takes.
    package func drain(grace: Duration) async throws {
        let shell = shell
        let done = shell.eventLoop.makePromise(of: Void.self)
        shell.eventLoop.execute { shell.value.drain(grace: grace, done: done) }
        try await done.futureResult.get()
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
        // The machine ends first: if it still started turns, a stopped thread would look like a failure.
        try await shell.eventLoop.submit { shell.value.shutdown() }.get()
        compute.stop()
        await compute.end()
        try await loop.end()
    }
}

extension WorkerMachine {
    /// The machine of a new process life.
    init(_ configuration: WorkerConfiguration, verifiers: [Endpoint]) {
        self.init(
            configuration: configuration,
            verifiers: verifiers,
            incarnation: .random(in: 1...UInt64.max),
            seed: .random(in: 0...UInt64.max)
        )
    }
}
