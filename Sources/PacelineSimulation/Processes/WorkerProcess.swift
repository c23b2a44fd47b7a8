import NIOCore
import PacelineCluster
import PacelineSpeculation
import PacelineWire

/// A simulated worker process.
final class WorkerProcess: SimulatedProcess {
    /// What the compute thread will bring: it is known when a job begins, because how long the job takes depends on it.
    struct Drafted {
        var result: DraftResult?
        /// Whether the thread computes for it.
        var isWork: Bool
    }

    /// What ends with the process.
    private struct Memory {
        var machine: WorkerMachine
        var host: DraftHost
        let effort: DraftEffort
        /// The connection of each of its links.
        var connections: [LinkID: Int] = [:]
    }

    let index: Int
    let network: SimulatedNetwork
    var state = ProcessState<WorkerMachine.Event, Drafted>(life: 0)
    private let context: SimulationContext
    private let verifiers: [VerifierProcess]
    private let corruption: CorruptionCheck
    private var memory: Memory

    init(
        _ index: Int,
        _ context: SimulationContext,
        network: SimulatedNetwork,
        verifiers: [VerifierProcess],
        corruption: CorruptionCheck
    ) {
        self.index = index
        self.context = context
        self.network = network
        self.verifiers = context.scenario.workers[index].verifiers.map { $0.map { verifiers[$0] } } ?? verifiers
        self.corruption = corruption
        memory = Self.makeMemory(index, life: 0, context)
        wake(at: timeline.now + context.scenario.workers[index].start)
    }

    private static func makeMemory(_ index: Int, life: Int, _ context: SimulationContext) -> Memory {
        let plan = context.scenario.workers[index]
        let fingerprint = MockText.fingerprint(of: "\(plan.drafter)", hash: plan.isForeign ? 9 : 7)
        var configuration = WorkerConfiguration(
            name: "worker \(index)",
            fingerprint: plan.drafter.isModelFree ? nil : fingerprint
        )
        configuration.slots = plan.slots
        configuration.features = plan.drafter.features
        configuration.link = context.scenario.link
        configuration.link.versions = plan.versions
        let machine = WorkerMachine(
            configuration: configuration,
            verifiers: Self.endpoints(plan.verifiers?.count ?? context.scenario.verifiers),
            incarnation: incarnation(index, life),
            seed: context.timeline.random.next()
        )
        let effort = DraftEffort()
        let source = MockDrafterSource(
            plan.drafter,
            ledger: context.ledger,
            effort: effort,
            isTagged: context.scenario.isTagged,
            seed: context.timeline.random.next()
        )
        return Memory(machine: machine, host: DraftHost(source: source), effort: effort)
    }

    /// Verifiers by their place in the worker's list, which is all that an address is here.
    private static func endpoints(_ count: Int) -> [Endpoint] {
        (0..<count).map { Endpoint(host: "verifier", port: $0) }
    }

    var timeline: Timeline { context.timeline }
    var journal: Journal { context.journal }
    var host: String { "worker \(index)" }
    var deadline: Instant? { memory.machine.deadline }
    /// Whether no request is left, in any part of it.
    var isIdle: Bool { memory.machine.sessionTotal == 0 && !state.compute.isBusy }
    /// Whether no verifier may take it.
    var isForeign: Bool { context.scenario.workers[index].isForeign }
    /// Sequences that its drafters still know; none while the process is dead, whose memory is gone.
    var draftCount: Int { state.isDead ? 0 : memory.host.openCount }
    /// The random id of its present life.
    var incarnation: UInt64 { Self.incarnation(index, life) }

    private static func incarnation(_ index: Int, _ life: Int) -> UInt64 {
        UInt64(index + 100) << 32 | UInt64(life + 1)
    }

    /// Whether it takes processor time.
    var isDrafting: Bool { state.isRunning && state.compute.job?.isWork == true }

    // MARK: The machine

    func handle(_ event: WorkerMachine.Event) {
        for effect in memory.machine.handle(event, now: clock) {
            perform(effect)
        }
    }

    private func perform(_ effect: WorkerMachine.Effect) {
        switch effect {
        case .connect(let endpoint, let link): network.dial(verifiers[endpoint.port], from: self, as: link)
        case .link(let link, .write(let bytes)):
            if let connection = memory.connections[link] { network.send(bytes, from: .worker, on: connection) }
        case .link(let link, .close):
            if let connection = memory.connections[link] { network.close(connection, .worker) }
        case .link(_, .pauseReading), .link(_, .resumeReading): break
        case .draft(let job): start(job)
        case .note(let note): take(note)
        case .refused(let fault): refused(fault)
        case .drained: drained()
        }
    }

    private func take(_ note: WorkerNote) {
        journal.note("worker", from: host, "\(note)")
        guard case .linkClosed(_, let fault, _) = note else { return }
        journal.statistics.reconnections += 1
        corruption.closed(ProcessLife(host: host, life: life), isForeign: isForeign, fault)
    }

    func didHandleEvents() {}

    // MARK: Drafting

    private func start(_ job: DraftJob) {
        guard !state.compute.isBusy else {
            return journal.fail(.caps, "worker \(index) was handed a draft job while another one was running")
        }
        let plan = context.scenario.workers[index]
        let before = memory.effort.modelSteps
        let result = memory.host.perform(job)
        if context.ledger.foreignTokens > 0 {
            journal.fail(.identity, "worker \(index) was handed tokens of another text than its request's")
        }
        if context.ledger.strayBases > 0 {
            journal.fail(.staleness, "worker \(index) drafts behind a text that its request never had")
        }
        if context.ledger.strayFeatures > 0 {
            journal.fail(.staleness, "worker \(index) was told features of another text than its request's")
        }
        if context.ledger.blindSteps > 0 {
            journal.fail(.staleness, "worker \(index) drafts without the features that its head reads")
        }
        let steps = memory.effort.modelSteps - before
        var milliseconds = job.turn == nil ? 0.01 : 0.2
        if steps > 0 {
            journal.statistics.draftSteps += steps
            milliseconds += Double(steps) * plan.stepMilliseconds * (0.8 + 0.4 * timeline.random.nextUnit())
            if plan.straggling > 1, timeline.healedAt == nil, timeline.random.next(below: 8) == 0 {
                milliseconds *= plan.straggling
                journal.count(.straggle)
            }
        }
        compute(Drafted(result: result, isWork: job.turn != nil), taking: .fromMilliseconds(milliseconds))
    }

    func complete(_ drafted: Drafted) {
        tell(.drafted(drafted.result))
    }

    // MARK: Lives

    /// How long it may take to end in order.
    static let drainGrace = Duration.seconds(2)

    /// Ends in order: its verifiers take their requests back first.
    func drain() {
        tell(.drain(grace: Self.drainGrace))
    }

    /// All verifiers refuse it for good. Its process ends with the reason.
    private func refused(_ fault: LinkFault) {
        guard isForeign, case .reported(code: .fingerprint, _) = fault else {
            return journal.fail(.falseAccusation, "worker \(index) was refused permanently: \(fault)")
        }
        journal.count(.wrongModel)
        state.status = .dead
    }

    private func drained() {
        state.status = .dead
        // Whatever was to start it again has found it alive.
        guard timeline.healedAt != nil else { return }
        timeline.schedule(after: .milliseconds(1)) { [unowned self] in restart() }
    }

    /// The process ends at once; its kernel says so to its peers, unless the whole host is gone.
    func die(isSilent: Bool) {
        state.status = .dead
        network.endConnections(ofDead: self, isSilent: isSilent)
    }

    func willResume() {}

    func boot(life: Int) {
        state = ProcessState(life: life)
        memory = Self.makeMemory(index, life: life, context)
    }

    func didBoot() {
        tell(.timer)
    }
}

extension WorkerProcess {
    func hold(_ connection: Int, as link: LinkID) {
        memory.connections[link] = connection
    }

    func forget(_ link: LinkID) {
        memory.connections[link] = nil
    }

    func receive(_ event: ConnectionEvent, on link: LinkID) {
        switch event {
        case .opened: tell(.link(link, .connected(timeline.makeNonce())))
        case .received(let bytes): tell(.link(link, .received(bytes)))
        case .flushed(let count): tell(.link(link, .flushed(bytes: count)))
        case .disconnected(let reason): tell(.link(link, .disconnected(reason: reason)))
        }
    }
}
