import NIOCore
import PacelineCluster
import PacelineSpeculation
import PacelineWire

/// A simulated verifier process.
final class VerifierProcess: SimulatedProcess {
    /// A pass and how many times longer than by the cost curve it takes.
    struct TimedPass {
        let pass: Pass
        let slowdown: Double
    }

    /// What ends with the process.
    private struct Memory {
        var machine: VerifierMachine
        let target: MockTarget
        /// The connection of each of its links.
        var connections: [LinkID: Int] = [:]
        /// Who waits for its requests' events.
        var attempts: [RequestID: any RequestOwner] = [:]
        /// The identifiers that it has given out.
        var linkCount: UInt64 = 0
        var requestCount: UInt64 = 0
        var delay = DelayCheck()
        /// As it was after the last event.
        var census = VerifierCensus()
        /// Since when some request has been running; nil while none is.
        var busySince: Instant?
    }

    let index: Int
    let network: SimulatedNetwork
    var state = ProcessState<VerifierMachine.Event, TimedPass>(life: 0)
    private let context: SimulationContext
    private let corruption: CorruptionCheck
    private var memory: Memory
    /// What gateways talk to.
    private(set) lazy var port = VerifierPort(of: self, context)

    init(_ index: Int, _ context: SimulationContext, network: SimulatedNetwork, corruption: CorruptionCheck) {
        self.index = index
        self.context = context
        self.network = network
        self.corruption = corruption
        memory = Self.makeMemory(index, life: 0, dialect: 0, context)
    }

    private static func makeMemory(_ index: Int, life: Int, dialect: Int, _ context: SimulationContext) -> Memory {
        let scenario = context.scenario
        var configuration = scenario.verifier
        configuration.name = "verifier \(index)"
        configuration.link = scenario.link
        configuration.link.versions = scenario.verifierVersions[(index + life) % scenario.verifierVersions.count]
        let description = TargetDescription(
            fingerprint: MockText.fingerprint(of: "mock"),
            contextLength: scenario.cacheCapacity,
            cacheCapacity: scenario.cacheCapacity,
            costs: scenario.costs,
            featureLayers: scenario.featureLayers
        )
        let machine = VerifierMachine(
            configuration: configuration,
            target: description,
            costs: scenario.costs,
            incarnation: UInt64(index + 1) << 32 | UInt64(life + 1)
        )
        var options = MockTarget.Options(isTagged: scenario.isTagged, reusesPages: scenario.reusesPages)
        for request in scenario.requests {
            // Behind gateways requests have other names.
            if scenario.gateways == 0 { options.scopes[request.seed] = scenario.scope(of: request) }
            options.failingRounds[request.seed] = request.failingRound
            if !request.prediction.isEmpty { options.predicted.insert(request.seed) }
        }
        options.dialect = context.interference.dialect(index, dialect)
        let engine = MockTarget(cacheCapacity: scenario.cacheCapacity, ledger: context.ledger, options)
        return Memory(machine: machine, target: engine)
    }

    var timeline: Timeline { context.timeline }
    var journal: Journal { context.journal }
    var host: String { "verifier \(index)" }
    /// Workers that take processor time at this moment; set once all processes are made.
    var countDraftingWorkers: () -> Int = { 0 }
    var deadline: Instant? { memory.machine.deadline }
    var target: MockTarget { memory.target }
    var snapshot: VerifierSnapshot { memory.machine.snapshot }
    var draftingObservation: DraftingObservation { memory.machine.draftingObservation }
    var workerCount: Int { memory.census.workers }
    /// Links over which no worker is established.
    var strangerCount: Int { memory.census.links - memory.census.workers }
    /// Whether no request is left, in any part of it.
    var isIdle: Bool { memory.census.isIdle && !state.compute.isBusy && target.openCount == 0 }

    /// Since when it has run without a break.
    private(set) var runningSince = Instant.zero

    /// The link by which it counts a worker's process life as connected; nil if it does not.
    func link(of incarnation: UInt64) -> LinkID? {
        memory.machine.link(of: incarnation)
    }

    // MARK: Clients

    func submit(_ generation: GenerationRequest, for owner: some RequestOwner) {
        memory.requestCount += 1
        let request = RequestID(rawValue: memory.requestCount)
        journal.note(
            "ask",
            from: owner.name,
            to: host,
            "\(request): \(generation.prompt.count) + \(generation.generated.count) tokens"
        )
        memory.attempts[request] = owner
        let base = BaseHash(generation.prompt + generation.generated)
        context.ledger.commit(seed: generation.sampling.seed, base: base)
        owner.attemptBegins(as: request)
        tell(.submit(request, generation))
    }

    func cancel(_ request: RequestID) {
        tell(.cancel(request))
    }

    /// A client leaves too many tokens unread.
    func overflow(_ request: RequestID, waitingTokens: Int) {
        tell(.overflow(request, waitingTokens: waitingTokens))
    }

    private func emit(_ event: RequestEvent, for request: RequestID) {
        guard let client = memory.attempts[request] else {
            return journal.fail(
                .stream,
                "\(request) got an event after its last one, or was never submitted: \(event)"
            )
        }
        journal.note("answer", from: host, to: client.name, event.words)
        if event.isLast { memory.attempts[request] = nil }
        client.receive(event, of: request)
    }

    // MARK: The machine

    func handle(_ event: VerifierMachine.Event) {
        for effect in metered({ memory.machine.handle(event, now: clock) }) {
            perform(effect)
        }
        memory.census = memory.machine.census()
        followBusyness()
    }

    /// Does `work` of the machine, and tells the meter of its time.
    private func metered<Output>(_ work: () -> Output) -> Output {
        context.meter.map { $0.measure(work) } ?? work()
    }

    /// Replaces the machine with one that knows of nothing.
    func dismantle() {
        memory.machine = Self.makeMemory(index, life: life, dialect: 0, context).machine
    }

    private func perform(_ effect: VerifierMachine.Effect) {
        switch effect {
        case .link(let link, .write(let bytes)):
            if let connection = memory.connections[link] { network.send(bytes, from: .verifier, on: connection) }
        case .link(let link, .close):
            if let connection = memory.connections[link] { network.close(connection, .verifier) }
        // What a link may have on its way is bounded by the network already.
        case .link(_, .pauseReading), .link(_, .resumeReading): break
        case .run(let pass): start(pass)
        case .emit(let request, let event): emit(event, for: request)
        case .note(let note): take(note)
        // Nobody watches.
        case .round: break
        }
    }

    private func take(_ note: VerifierNote) {
        journal.note("verifier", from: host, "\(note)")
        switch note {
        case .linkClosed(let link, _, let fault): corruption.closed(key(link), by: "verifier \(index)", fault)
        case .treeRefused(let link, let request, let reason):
            corruption.refusedTree(key(link), "verifier \(index) refused a tree for \(request): \(reason)")
        case .engineFailed(let reason): journal.fail(.engine, "verifier \(index): \(reason)")
        case .drained: port.drained()
        case .workerGaveUp(let link, let request, .noCapacity, _):
            corruption.gaveUp(key(link), "verifier \(index) opened \(request) at a worker that had no room for it")
        case .workerJoined(_, let peer):
            welcome(peer)
            audit()
        case .workerDraining: audit()
        case .workerGaveUp: break
        }
    }

    private func key(_ link: LinkID) -> LinkKey {
        LinkKey(host: host, life: life, link: link)
    }

    func didHandleEvents() {
        let (running, waiting) = (memory.census.running, memory.census.waiting)
        if running > context.scenario.verifier.slots || waiting > context.scenario.verifier.queueLimit {
            journal.fail(.caps, "verifier \(index) holds \(running) running and \(waiting) waiting requests")
        }
        let links = memory.census.links
        if links > context.scenario.verifier.workerLimit + context.scenario.verifier.pendingLimit {
            journal.fail(.caps, "verifier \(index) holds \(links) links")
        }
    }

    /// How long requests were running, which throughput is measured against; and since when a pass is due.
    private func followBusyness() {
        let isBusy = !memory.census.isIdle
        memory.delay.follow(isBusy: isBusy, isComputing: state.compute.isBusy, now: timeline.now)
        if !isBusy {
            endBusyTime()
        } else if memory.busySince == nil {
            memory.busySince = timeline.now
        }
    }

    private func endBusyTime() {
        guard let since = memory.busySince else { return }
        journal.statistics.busyMilliseconds += (timeline.now - since).inMilliseconds
        memory.busySince = nil
    }

    // MARK: Passes

    private func start(_ pass: Pass) {
        guard !state.compute.isBusy else {
            return journal.fail(.caps, "verifier \(index) started a pass while another one was running")
        }
        memory.delay.passStarts(pass, context)
        checkDraftLimits(pass)
        audit()
        let scenario = context.scenario
        let rivals = scenario.contention > 0 ? countDraftingWorkers() : 0
        let slowdown = 1 + scenario.contention * Double(rivals)
        if rivals > 0 { journal.count(.contention) }
        var time = Duration.microseconds(10)
        if pass.rows > 0 {
            let factor = slowdown * (1 + scenario.passJitter * (2 * timeline.random.nextUnit() - 1))
            time = .fromMilliseconds(scenario.costs.milliseconds(rows: pass.rows) * factor)
        }
        journal.note("pass", from: host, "\(pass.rounds.count) rounds, \(pass.rows) rows, \(time)")
        journal.statistics.passMilliseconds += time.inMilliseconds
        compute(TimedPass(pass: pass, slowdown: slowdown), taking: time)
    }

    private func welcome(_ peer: LinkPeer) {
        let scenario = context.scenario
        let isOld = peer.version < WireLimits.protocolVersions.upperBound
        if isOld, scenario.faults.contains(.versionSkew) { journal.count(.versionSkew) }
        guard peer.fingerprint.map({ $0.tokenizerHash != MockText.fingerprint(of: "").tokenizerHash }) ?? false else {
            return
        }
        journal.fail(.membership, "verifier \(index) took \(peer.name) in, whose tokens mean something else")
    }

    /// The process's clock leaps, and with it all that it counts from. One that goes back counts anew when it is again
    /// what it was, which takes longer if it has gone back before.
    func leapAside(by span: Duration) {
        runningSince = max(runningSince, timeline.now) + max(.zero, .zero - span)
        memory.delay.restart(at: runningSince)
        leap(by: span)
    }

    private func audit() {
        guard let finding = memory.machine.audit() else { return }
        let promise: Violation.Promise =
            switch finding {
            case .creditExceeded: .credit
            case .leaverEmployed, .twins: .membership
            case .strangersTrusted: .throughput
            }
        journal.fail(promise, "verifier \(index): \(finding)")
    }

    /// No round verifies more nodes than its client allows.
    private func checkDraftLimits(_ pass: Pass) {
        for round in pass.rounds {
            guard case .verify(let tree) = round.work, let client = memory.attempts[round.request] else { continue }
            guard tree.count > client.draftLimit else { continue }
            journal.fail(
                .caps,
                "\(round.request) has \(tree.count) nodes verified, and its client allows \(client.draftLimit)"
            )
        }
    }

    func complete(_ timed: TimedPass) {
        let pass = timed.pass
        do {
            let outcomes = try PassRunner(engine: target).run(pass, progress: ComputeProgress())
            if target.strayNodes > 0 {
                let nodes = "\(target.strayNodes) nodes"
                journal.fail(.staleness, "\(nodes) were verified below a prefix they were never proposed for")
            }
            if target.misplacedNodes > 0, context.scenario.areAllNodesTagged {
                let nodes = "\(target.misplacedNodes) nodes"
                journal.fail(.staleness, "\(nodes) were verified whose tokens bear the tag of another place")
            }
            memory.delay.passEnded(now: timeline.now)
            let milliseconds = context.scenario.costs.milliseconds(rows: pass.rows) * timed.slowdown
            tell(.passFinished(outcomes, milliseconds: milliseconds))
        } catch {
            journal.fail(.engine, "verifier \(index): \(error)")
        }
    }

    // MARK: Lives

    func willResume() {
        runningSince = max(runningSince, timeline.now)
        memory.delay.restart(at: runningSince)
        port.resume()
    }

    /// The process ends at once, and its kernel resets all connections.
    func die() {
        endBusyTime()
        journal.statistics.add(snapshot)
        state.status = .dead
        network.resetConnections(ofDead: self)
        // In a certain order, since waits of clients draw random numbers.
        let owners = memory.attempts.sorted { one, other in
            (one.value.index, one.key.rawValue) < (other.value.index, other.key.rawValue)
        }
        memory.attempts = [:]
        for owner in owners {
            owner.value.loseAttempt()
        }
        port.die()
    }

    func boot(life: Int) {
        state = ProcessState(life: life)
        runningSince = timeline.now
        port.boot()
        memory = Self.makeMemory(index, life: life, dialect: port.dialect, context)
    }

    func didBoot() {}
}

/// Who waits for the events of requests at a verifier.
protocol RequestOwner: AnyObject {
    /// Tells owners of one kind apart.
    var index: Int { get }
    /// For people.
    var name: String { get }
    /// Drafted nodes of one round at most.
    var draftLimit: Int { get }

    func attemptBegins(as request: RequestID)
    func receive(_ event: RequestEvent, of request: RequestID)
    /// The verifier has died.
    func loseAttempt()
}

extension RequestEvent {
    /// For people, in a few words.
    fileprivate var words: String {
        switch self {
        case .prompt(let scores): "\(scores.count) log-probabilities"
        case .tokens(let generated): "\(generated.tokens.count) tokens"
        case .finished(let summary): "finished: \(summary.reason)"
        case .failed(let fault): "failed: \(fault)"
        }
    }
}

extension VerifierProcess {
    /// A connection has come in.
    ///
    /// - Returns: the name of the new link.
    func accept(_ connection: Int) -> LinkID {
        memory.linkCount += 1
        let link = LinkID(rawValue: memory.linkCount)
        memory.connections[link] = connection
        return link
    }

    func forget(_ link: LinkID) {
        memory.connections[link] = nil
    }

    func receive(_ event: ConnectionEvent, on link: LinkID) {
        switch event {
        case .opened(let host): tell(.accepted(link, host: host, nonce: timeline.makeNonce()))
        case .received(let bytes): tell(.link(link, .received(bytes)))
        case .flushed(let count): tell(.link(link, .flushed(bytes: count)))
        case .disconnected(let reason): tell(.link(link, .disconnected(reason: reason)))
        }
    }
}
