import Glibc

/// The processes of a schedule: starts them, finds them, and does to them what faults want.
actor NemesisProcesses {
    /// How long a process that was told to end may take, before it is given up or ended by force.
    private static let patience = (found: Duration.seconds(10), started: Duration.seconds(1))
    /// How long restarts may go on when everything ends.
    private static let restartGrace = Duration.milliseconds(300)

    private let definitions: [String: ScheduledProcess]
    /// In the order of the schedule, so that they end in the opposite one.
    private let names: [String]
    private var started: [String: SpawnedProcess] = [:]
    /// What was stopped, until it goes on.
    private var stopped: [String: [ProcessEntry]] = [:]
    /// Those of the started ones whose end is no surprise.
    private var struck: Set<ObjectIdentifier> = []
    /// Of the found ones, what faults killed last.
    private var killed: [String: ProcessEntry] = [:]
    /// The commands that restart something and have not ended.
    private var launchers: Set<Int32> = []
    /// Restarts, until their command has begun or what went wrong is told; they do not outlast ``lastMoment``.
    private var restarts: [Int: Task<Void, Never>] = [:]
    private var lastRestart = 0
    /// Commands that restart something, until what went wrong with them is told.
    private var followed = 0
    /// When restarts that wait have to give up; nil while the run goes on.
    private var lastMoment: ContinuousClock.Instant?
    private let processGuard: ProcessGuard
    private let checks: CheckCommands
    /// Hears of processes that end although nobody told them to.
    private let onEnd: @Sendable (String, ProcessEnding) async -> Void

    /// - Parameters:
    ///   - processGuard: is told what would be left behind.
    ///   - checks: are not struck.
    init(
        _ processes: [ScheduledProcess],
        _ processGuard: ProcessGuard,
        besides checks: CheckCommands,
        onEnd: @escaping @Sendable (String, ProcessEnding) async -> Void
    ) {
        self.processGuard = processGuard
        self.checks = checks
        definitions = Dictionary(processes.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        names = processes.map(\.name)
        self.onEnd = onEnd
    }

    /// Starts those that are not there before.
    ///
    /// - Throws: ``ProcessError``.
    func startAll() throws {
        for name in names {
            if case .started(let command)? = definitions[name]?.source { try start(name, command) }
        }
    }

    private var isEnding: Bool { lastMoment != nil }

    private func start(_ name: String, _ command: ScheduledCommand) throws {
        guard !isEnding else { return }
        let process = try SpawnedProcess.start(command)
        processGuard.started(process)
        started[name] = process
        Task {
            let ending = await process.exit()
            await ended(name, process, ending)
        }
    }

    private func ended(_ name: String, _ process: SpawnedProcess, _ ending: ProcessEnding) async {
        guard struck.remove(ObjectIdentifier(process)) == nil, !isEnding else { return }
        await onEnd(name, ending)
    }

    // MARK: Kills

    /// Sends a signal that ends a process, also one that is paused: it goes on, since it could not obey otherwise.
    func kill(_ name: String, _ signal: ProcessSignal) async throws(ProcessError) {
        defer { resume(name) }
        let entry = try await find(name)
        let process = started[name]
        if let process { struck.insert(ObjectIdentifier(process)) } else { killed[name] = entry }
        let withDescendants = definitions[name]?.includesDescendants ?? true
        do {
            _ = try await BlockingWork.run { _ throws(ProcessError) in
                try ProcessControl.send(signal, to: entry, withDescendants: withDescendants)
            }
        } catch {
            // One that takes long to go is on its way.
            if case .unchanged = error { throw error }
            if let process { struck.remove(ObjectIdentifier(process)) }
            throw error
        }
        // What its descendants have put into their group goes with it.
        if signal == .kill, withDescendants { process?.signal(SIGKILL) }
    }

    /// Starts a process again that was killed, if there is a way.
    ///
    /// - Parameter onFailure: hears of a restart that fails later.
    func restart(_ name: String, onFailure: @escaping @Sendable (String) async -> Void) async throws {
        guard let definition = definitions[name] else { return }
        if case .started(let command) = definition.source {
            guard !isEnding else { return }
            if let old = started.removeValue(forKey: name) { await end(old, grace: Self.patience.started) }
            return try start(name, command)
        }
        guard let command = definition.restart else { return }
        lastRestart += 1
        restarts[lastRestart] = Task { [number = lastRestart] in
            do throws(ProcessError) {
                let process = try await restart(name, with: command)
                follow(process, for: name, onFailure: onFailure)
            } catch {
                let isNamed = if case .stillThere = error { true } else { false }
                await onFailure(isNamed ? "\(error)" : "\(name) is not started again: \(error)")
            }
            restarts[number] = nil
        }
    }

    /// Waits until the old process is gone, since two of them could destroy what they share; then begins the command,
    /// which may take its time, or be the service itself.
    private func restart(
        _ name: String,
        with command: ScheduledCommand
    ) async throws(ProcessError) -> SpawnedProcess {
        let deadline = ContinuousClock.now + Self.patience.found
        while let old = killed[name], ProcessControl.isAlive(old) {
            guard ContinuousClock.now < min(deadline, lastMoment ?? deadline) else { throw .stillThere(name, old.pid) }
            // Nobody cancels a restart; it gives up by itself.
            try? await Task.sleep(for: .milliseconds(10))
        }
        let process = try SpawnedProcess.start(command)
        launchers.insert(process.pid)
        return process
    }

    /// Hears how a command ends that restarts something.
    private func follow(
        _ process: SpawnedProcess,
        for name: String,
        onFailure: @escaping @Sendable (String) async -> Void
    ) {
        followed += 1
        Task {
            let ending = await process.exit()
            launchers.remove(process.pid)
            // A service that it has started goes on.
            process.letGo()
            if ending != .status(0) { await onFailure("the command that restarts \(name) ended with \(ending)") }
            followed -= 1
        }
    }

    // MARK: Pauses

    func pause(_ name: String) async throws(ProcessError) {
        let entry = try await find(name)
        let withDescendants = definitions[name]?.includesDescendants ?? true
        // Told before, so that there is no moment at which nobody knows; the others are its descendants.
        processGuard.tell(.stopped(pid: entry.pid, startTime: entry.startTime))
        let told: [ProcessEntry]
        do {
            told = try await BlockingWork.run { _ throws(ProcessError) in
                try ProcessControl.send(.stop, to: entry, withDescendants: withDescendants)
            }
        } catch {
            processGuard.tell(.resumed(pid: entry.pid))
            throw error
        }
        for entry in told { processGuard.tell(.stopped(pid: entry.pid, startTime: entry.startTime)) }
        stopped[name] = told
    }

    func resume(_ name: String) {
        let told = stopped.removeValue(forKey: name) ?? []
        ProcessControl.resume(told)
        for entry in told { processGuard.tell(.resumed(pid: entry.pid)) }
    }

    // MARK: The end

    /// Lets everything go on that was stopped.
    func resumeAll() {
        lastMoment = ContinuousClock.now + Self.restartGrace
        for name in stopped.keys.sorted() { resume(name) }
    }

    /// Ends what was started, the last one first to hear of it. Cancellation shortens the wait.
    func endAll(grace: Duration) async {
        lastMoment = lastMoment ?? ContinuousClock.now + Self.restartGrace
        let processes = names.reversed().compactMap { started[$0] }
        started = [:]
        await withDiscardingTaskGroup { group in
            for process in processes { group.addTask { await self.end(process, grace: grace) } }
        }
        // A restart that fails at the end is told, too. A command that goes on may be the service itself.
        for restart in Array(restarts.values) { await restart.value }
        while followed > 0, let lastMoment, ContinuousClock.now < lastMoment, !Task.isCancelled {
            do { try await Task.sleep(for: .milliseconds(10)) } catch { break }
        }
    }

    private nonisolated func end(_ process: SpawnedProcess, grace: Duration) async {
        await process.end(grace: grace)
        processGuard.tell(.ended(group: process.pid))
    }

    /// Processes that faults killed and nobody has started again: they are not there, and no command says how.
    func missing() async -> [String] {
        var missing: [String] = []
        for name in names where killed[name] != nil && definitions[name]?.restart == nil {
            do {
                _ = try await find(name)
            } catch {
                if case .several = error { continue }
                missing.append(name)
            }
        }
        return missing
    }

    private func find(_ name: String) async throws(ProcessError) -> ProcessEntry {
        guard let definition = definitions[name] else { throw .invalid(name) }
        switch definition.source {
        case .found(let selector):
            return try await BlockingWork.run { [checks, launchers] _ throws(ProcessError) in
                try checks.find(selector, launchers: launchers)
            }
        case .started:
            guard let process = started[name], process.ending == nil, let entry = ProcessTable.entry(process.pid) else {
                throw .hasEnded(name)
            }
            return entry
        }
    }
}
