import Foundation
import NIOPosix

/// The processes of a schedule: starts them, finds them, and does to them what faults want.
actor NemesisProcesses {
    private let definitions: [String: ScheduledProcess]
    /// In the order of the schedule, so that they end in the opposite one.
    private let names: [String]
    private var started: [String: SpawnedProcess] = [:]
    /// What was stopped, until it goes on.
    private var stopped: [String: [ProcessEntry]] = [:]
    /// Those whose end is no surprise.
    private var struck: Set<Int32> = []
    private var isEnding = false
    private let guardian: ProcessGuard
    /// Hears of processes that end although nobody told them to.
    private let onEnd: @Sendable (String, ProcessEnding) async -> Void

    /// - Parameter guardian: is told what would be left behind.
    init(
        _ processes: [ScheduledProcess],
        guardian: ProcessGuard,
        onEnd: @escaping @Sendable (String, ProcessEnding) async -> Void
    ) {
        self.guardian = guardian
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

    private func start(_ name: String, _ command: ScheduledCommand) throws {
        guard !isEnding else { return }
        let process = try SpawnedProcess.start(command)
        guardian.tell(.started(group: process.pid))
        started[name] = process
        Task {
            let ending = await process.exit()
            await ended(name, process, ending)
        }
    }

    private func ended(_ name: String, _ process: SpawnedProcess, _ ending: ProcessEnding) async {
        guard !isEnding, !struck.contains(process.pid) else { return }
        await onEnd(name, ending)
    }

    // MARK: Faults

    func kill(_ name: String, _ signal: ProcessSignal) async throws {
        let entry = try find(name)
        struck.insert(entry.pid)
        stopped[name] = nil
        let withDescendants = definitions[name]?.includesDescendants ?? true
        _ = try await Self.onThread {
            try ProcessControl.send(signal, to: entry, withDescendants: withDescendants)
        }
        // What its descendants have put into their group goes with it.
        if signal == .kill, withDescendants { started[name]?.signal(SIGKILL) }
    }

    /// Starts a process again that was killed, if there is a way.
    ///
    /// - Parameter onFailure: hears of a command to restart that fails later.
    func restart(_ name: String, onFailure: @escaping @Sendable (String) async -> Void) async throws {
        guard let definition = definitions[name] else { return }
        if case .started(let command) = definition.source {
            guard !isEnding else { return }
            if let old = started.removeValue(forKey: name) { await end(old, grace: .seconds(1)) }
            return try start(name, command)
        }
        guard let command = definition.restart else { return }
        let process = try SpawnedProcess.start(command)
        // It may take its time, or be the service itself.
        Task {
            let ending = await process.exit()
            // A service that it has started goes on.
            process.letGo()
            guard ending != .status(0) else { return }
            await onFailure("the command that restarts \(name) ended with \(ending)")
        }
    }

    func pause(_ name: String) async throws {
        let entry = try find(name)
        let withDescendants = definitions[name]?.includesDescendants ?? true
        // Told before, so that there is no moment at which nobody knows; the others are its descendants.
        guardian.tell(.stopped(pid: entry.pid, startTime: entry.startTime))
        let told = try await Self.onThread {
            try ProcessControl.send(.stop, to: entry, withDescendants: withDescendants)
        }
        for entry in told { guardian.tell(.stopped(pid: entry.pid, startTime: entry.startTime)) }
        stopped[name] = told
    }

    func resume(_ name: String) {
        let told = stopped.removeValue(forKey: name) ?? []
        ProcessControl.resume(told)
        for entry in told { guardian.tell(.resumed(pid: entry.pid)) }
    }

    // MARK: The end

    /// Lets everything go on that was stopped.
    func resumeAll() {
        isEnding = true
        for name in stopped.keys.sorted() { resume(name) }
    }

    /// Ends what was started, the last one first to hear of it. Cancellation shortens the wait.
    func endAll(grace: Duration) async {
        isEnding = true
        let processes = names.reversed().compactMap { started[$0] }
        started = [:]
        await withDiscardingTaskGroup { group in
            for process in processes { group.addTask { await self.end(process, grace: grace) } }
        }
    }

    private nonisolated func end(_ process: SpawnedProcess, grace: Duration) async {
        await process.end(grace: grace)
        guardian.tell(.ended(group: process.pid))
    }

    private func find(_ name: String) throws -> ProcessEntry {
        guard let definition = definitions[name] else { throw ProcessError.invalid(name) }
        switch definition.source {
        case .found(let selector): return try selector.findOne()
        case .started:
            guard let process = started[name], process.ending == nil, let entry = ProcessTable.entry(process.pid) else {
                throw ProcessError.hasEnded(name)
            }
            return entry
        }
    }

    /// Runs what blocks where that holds up nobody.
    private static func onThread<Result: Sendable>(
        _ body: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        try await NIOThreadPool.singleton.runIfActive(body)
    }
}
