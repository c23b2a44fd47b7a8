import AsyncHTTPClient
package import Logging
import NIOCore
import NIOPosix
import PacelineCluster

/// Runs a schedule on real processes and sockets: hands events to the machine, and does what it says, one effect after
/// the other.
package actor NemesisRunner {
    /// How long what was started may take to end of itself, and how long when the run is interrupted.
    private static let grace = (usual: Duration.seconds(5), interrupted: Duration.milliseconds(400))

    private var machine: NemesisMachine
    private let registry: ProxyRegistry
    private let group = MultiThreadedEventLoopGroup.singleton
    private let http: HTTPClient
    private let logger: Logger
    private let onProgress: @Sendable (Double) -> Void
    private let start = ContinuousClock.now
    private var effects: [NemesisMachine.Effect] = []
    /// What could not be begun, and may be told to end all the same: its time was over while it was tried.
    private var unmade: Set<FaultHolds.Key> = []
    private var isFinished = false
    private var watchers: [Task<Void, Never>] = []
    private let wake: AsyncStream<Void>
    private let waker: AsyncStream<Void>.Continuation
    private var timer: (due: Instant, task: Task<Void, Never>)?
    private let processGuard: ProcessGuard
    private let commands: CheckCommands
    private lazy var processes = NemesisProcesses(
        machine.schedule.processes,
        processGuard,
        besides: commands,
        onEnd: { [weak self] name, ending in await self?.take(.ended(process: name, ending: "\(ending)")) }
    )

    /// - Parameters:
    ///   - allowsRemoteClients: whether links may listen where other machines can connect.
    ///   - guardCommand: starts `paceline chaos guard`; nil for a run that nobody kills.
    ///   - onProgress: hears how much of the faults' time is over.
    /// - Throws: ``ProcessError`` if the guard cannot be started.
    package init(
        _ machine: NemesisMachine,
        allowsRemoteClients: Bool,
        guardCommand: [String]?,
        logger: Logger,
        onProgress: @escaping @Sendable (Double) -> Void
    ) throws {
        processGuard = try ProcessGuard(guardCommand.map { ScheduledCommand(arguments: $0) })
        commands = CheckCommands(processGuard)
        self.machine = machine
        self.logger = logger
        self.onProgress = onProgress
        var configuration = ProxyRegistry.Configuration()
        (configuration.seed, configuration.allowsRemoteClients) = (machine.seed, allowsRemoteClients)
        // That a killed upstream cannot be reached is no news, and would drown what is.
        var quiet = logger
        quiet.logLevel = max(quiet.logLevel, .error)
        registry = ProxyRegistry(configuration, group: group, trace: nil, logger: quiet)
        http = CheckProbe.client(on: group)
        (wake, waker) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// Runs until the service has recovered or failed to. Cancellation heals everything at once.
    ///
    /// Whatever happens, nothing is left: what was stopped goes on, what was started ends, and the links are closed.
    ///
    /// - Throws: ``ProcessError``, ``ChaosError`` or ``ShellError`` if it cannot start.
    package func run() async throws -> NemesisReport {
        do {
            try await setUp()
        } catch {
            await tearDown()
            throw error
        }
        for (index, check) in machine.schedule.checks.enumerated() {
            for client in 0..<check.clients { watchers.append(Task { await watch(check, index, client) }) }
        }
        for await _ in wake {
            await performAll()
            if isFinished { break }
        }
        for watcher in watchers { watcher.cancel() }
        if !machine.isDone { take(.interrupted) }
        timer?.task.cancel()
        await tearDown()
        let missing = await processes.missing()
        // What has been told meanwhile.
        await performAll()
        return NemesisReport(machine, missing: missing)
    }

    private func setUp() async throws {
        try await processes.startAll()
        for link in machine.schedule.links {
            let proxy = ProxyRecord(
                name: link.name,
                listen: "\(link.listen)",
                upstream: "\(link.upstream)",
                isEnabled: true
            )
            let made = try await registry.create(proxy)
            logger.info("link \(made.name) listens on \(made.listen) and leads to \(made.upstream)")
        }
        take(.started)
    }

    /// Runs to its end even if this task is cancelled.
    private func tearDown() async {
        let isInterrupted = Task.isCancelled
        await Task {
            await processes.resumeAll()
            await performAll()
            // Closing sockets has no errors that anybody could do something about.
            try? await registry.shutdown()
            if isInterrupted { await processes.endAll(grace: Self.grace.interrupted) }
        }
        .value
        if !isInterrupted { await processes.endAll(grace: Self.grace.usual) }
        await processGuard.close()
        // A check that cannot be cancelled must not hold up the end.
        for watcher in watchers { await watcher.value }
        try? await http.shutdown()
    }

    // MARK: Events

    private var now: Instant { Instant.zero + (ContinuousClock.now - start) }

    private func take(_ event: NemesisMachine.Event) {
        effects += machine.handle(event, now: now)
        onProgress(machine.progress(now: now))
        arm()
        waker.yield()
    }

    private func arm() {
        guard machine.nextDue != timer?.due else { return }
        timer?.task.cancel()
        timer = machine.nextDue.map { due in
            let task = Task {
                do { try await Task.sleep(until: start + (due - .zero), clock: .continuous) } catch { return }
                // Another one may have taken its place while this one waited for its turn.
                guard !Task.isCancelled, timer?.due == due else { return }
                timer = nil
                take(.tick)
            }
            return (due, task)
        }
    }

    /// One client of a check: asks over and over.
    private func watch(_ check: ServiceCheck, _ index: Int, _ client: Int) async {
        let probe = CheckProbe(check: check, http: http, group: group, commands: commands)
        var next = ContinuousClock.now + check.every * client / check.clients
        while !Task.isCancelled {
            do { try await Task.sleep(until: next, clock: .continuous) } catch { return }
            let began = now
            let failure = await probe.ask()
            guard !Task.isCancelled else { return }
            take(.checked(CheckResult(check: index, began: began, took: now - began, failure: failure)))
            // A slow answer does not make others come at once.
            next = max(next + check.every, ContinuousClock.now)
        }
    }

    // MARK: Effects

    private func performAll() async {
        while !effects.isEmpty { await perform(effects.removeFirst()) }
    }

    private func perform(_ effect: NemesisMachine.Effect) async {
        switch effect {
        case .tell(let sentence): logger.info("\(sentence)")
        case .finish: isFinished = true
        case .begin(let fault, let strike):
            do {
                try await begin(fault, strike)
                unmade.remove(FaultHolds.key(fault, strike))
            } catch {
                let isGone = Self.isGone(fault, error)
                if !isGone { unmade.insert(FaultHolds.key(fault, strike)) }
                take(.notMade(fault, strike: strike, reason: "\(error)", lasts: isGone))
            }
        case .end(let fault, let strike):
            guard unmade.remove(FaultHolds.key(fault, strike)) == nil else { return }
            do { try await end(fault, strike) } catch { take(.notHealed(strike: strike, reason: "\(error)")) }
        }
    }

    /// Whether a process that could not be killed is down all the same, so that it has to be started again.
    private static func isGone(_ fault: FaultEffect, _ error: any Error) -> Bool {
        guard case .kill = fault, let error = error as? ProcessError else { return false }
        return switch error {
        case .notFound, .hasEnded, .unchanged: true
        default: false
        }
    }

    private func begin(_ fault: FaultEffect, _ strike: Int) async throws {
        switch fault {
        case .cut(let link, let direction): try await registry.add(Self.cut(direction), to: link)
        case .disable(let link): try await enable(link, false)
        case .toxic(let link, let toxic): try await registry.add(Self.named(toxic, strike), to: link)
        case .kill(let process, let signal): try await processes.kill(process, signal)
        case .pause(let process): try await processes.pause(process)
        }
    }

    private func end(_ fault: FaultEffect, _ strike: Int) async throws {
        switch fault {
        case .cut(let link, let direction): try await registry.remove(Self.cut(direction).name, from: link)
        case .disable(let link): try await enable(link, true)
        case .toxic(let link, let toxic): try await registry.remove(Self.named(toxic, strike).name, from: link)
        case .kill(let process, _):
            try await processes.restart(process) { [weak self] reason in
                await self?.take(.notHealed(strike: strike, reason: reason))
            }
        case .pause(let process): await processes.resume(process)
        }
    }

    private func enable(_ link: String, _ isEnabled: Bool) async throws {
        _ = try await registry.update(link) { proxy throws(ChaosError) in
            var proxy = proxy
            proxy.isEnabled = isEnabled
            return proxy
        }
    }

    private static func cut(_ direction: StreamDirection) -> ToxicDefinition {
        ToxicDefinition(name: "nemesis_cut_\(direction.rawValue)", .blackhole, direction)
    }

    private static func named(_ toxic: ToxicDefinition, _ strike: Int) -> ToxicDefinition {
        var toxic = toxic
        toxic.name = "nemesis_\(strike + 1)"
        return toxic
    }
}
