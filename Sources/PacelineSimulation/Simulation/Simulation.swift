package import PacelineCluster
import PacelineSpeculation

/// A whole cluster on one thread, in virtual time, from one seed: the machines and the byte codec of production over a
/// simulated network, with mock models in place of arithmetic.
///
/// A run has two phases. Until ``Scenario/faultWindow`` ends, faults strike and only safety is asked for; then
/// everything heals, and everything must work again soon. Checks run on every step; the first broken promise ends the
/// run.
package final class Simulation {
    enum Action {
        case submit(Int)
        case cancel(Int)
        case wakeVerifier(Int, life: Int)
        case wakeWorker(Int, life: Int)
        case passDone(Int, life: Int, number: Int)
        case turnDone(Int, life: Int, number: Int)
        case deliver(Int, Connection.Side)
        case connect(worker: Int, life: Int, endpoint: Int, LinkID)
        case refuse(worker: Int, life: Int, LinkID, reason: String)
        case linger(Int, Connection.Side)
        case byzantine(Int)
        case strike(FaultKind)
        case relent(Relief)
        case heal
    }

    /// The end of a fault that lasts.
    enum Relief {
        case resumeWorker(Int, life: Int)
        case restartWorker(Int)
        case joinWorker(Int)
        case resumeVerifier(Int, life: Int)
        case restartVerifier(Int)
    }

    package let scenario: Scenario
    var random: SplitMix
    /// A stream of its own, so that handshakes do not shift what else comes of the seed.
    var nonces: SplitMix
    package internal(set) var now = Instant.zero
    var queue = EventQueue<Action>()
    var verifiers: [VerifierProcess] = []
    var workers: [WorkerProcess] = []
    var byzantines: [ByzantineWorker] = []
    var connections: [Int: Connection] = [:]
    var connectionCount = 0
    var connectionOfVerifierLink: [VerifierLinkKey: Int] = [:]
    var blame = Blame()
    var clients: [SimulatedClient] = []
    var openClients: Int
    var attempts: [AttemptKey: Int] = [:]
    let ledger = ProposalLedger()
    var isHealed = false
    var healedAt = Instant.zero
    package internal(set) var statistics = SimulationStatistics()
    package internal(set) var violation: Violation?
    /// When any client last got tokens.
    package internal(set) var lastTokensAt: Instant?
    /// A running hash of everything that happened.
    package private(set) var trace: UInt64
    /// Told of everything that happens, one line each; nil for nobody.
    private let log: ((String) -> Void)?

    /// - Parameter log: takes one JSON object per event.
    package init(_ scenario: Scenario, log: ((String) -> Void)? = nil) throws {
        self.scenario = scenario
        self.log = log
        random = SplitMix(seed: MockText.mix(scenario.seed ^ 0x5349_4d55))
        nonces = SplitMix(seed: MockText.mix(scenario.seed ^ 0x4e4f_4e43))
        trace = scenario.seed
        openClients = scenario.requests.count
        for index in 0..<scenario.verifiers {
            verifiers.append(makeVerifier(index, life: 0))
        }
        for index in scenario.workers.indices {
            workers.append(makeWorker(index, life: 0))
            schedule(.wakeWorker(index, life: 0), after: scenario.workers[index].start)
            workers[index].state.wakesAt = now + scenario.workers[index].start
        }
        for (index, request) in scenario.requests.enumerated() {
            clients.append(SimulatedClient(request, verifier: index % scenario.verifiers))
            schedule(.submit(index), after: request.start)
            if let cancel = request.cancel { schedule(.cancel(index), after: request.start + cancel) }
        }
        for index in 0..<scenario.byzantineWorkers {
            byzantines.append(ByzantineWorker(seed: random.next(), ledger: ledger))
            schedule(.byzantine(index), after: random.duration(below: .milliseconds(300)))
        }
        for strike in scenario.strikes {
            schedule(.strike(strike.kind), after: strike.at)
        }
        schedule(.heal, after: scenario.faultWindow)
    }

    /// Runs until every request has ended and everything is at rest, or a promise is broken.
    package func run() {
        while violation == nil, let (at, action) = queue.next() {
            now = max(now, at)
            statistics.events += 1
            mark(now.nanoseconds)
            perform(action)
            if !isHealed, openClients == 0 { heal() }
            if isHealed, openClients == 0, isAtRest { break }
            if isHealed { checkLiveness() }
        }
        finish()
    }

    /// Runs for so much virtual time, and judges nothing but safety. May be called again to go on.
    package func run(for time: Duration) {
        let end = now + time
        while violation == nil, let due = queue.nextDue, due <= end, let (at, action) = queue.next() {
            now = max(now, at)
            statistics.events += 1
            perform(action)
        }
        now = end
    }

    /// A verifier in numbers.
    package func snapshot(ofVerifier index: Int) -> VerifierSnapshot {
        verifiers[index].machine.snapshot
    }

    private func finish() {
        statistics.virtualNanoseconds = now.nanoseconds
        for id in connections.keys.sorted() {
            noteEnd(of: id, .worker)
            noteEnd(of: id, .verifier)
        }
        for verifier in verifiers {
            statistics.add(verifier.machine.snapshot)
            statistics.verifiedNodes += verifier.target.verifiedNodes
        }
        mark(random.next())
    }

    private func perform(_ action: Action) {
        switch action {
        case .submit(let client): submit(client)
        case .cancel(let client): cancel(client)
        case .wakeVerifier(let index, let life): wakeVerifier(index, life: life)
        case .wakeWorker(let index, let life): wakeWorker(index, life: life)
        case .passDone(let index, let life, let number): finishPass(index, life: life, number: number)
        case .turnDone(let index, let life, let number): finishTurn(index, life: life, number: number)
        case .deliver(let connection, let side): deliver(connection, to: side)
        case .connect(let worker, let life, let endpoint, let link):
            establish(.worker(worker, life: life, link), with: endpoint)
        case .refuse(let worker, let life, let link, let reason):
            tell(worker, life: life, .disconnected(link, reason: reason))
        case .linger(let connection, let side): stopLingering(connection, side)
        case .byzantine(let index): stirByzantine(index)
        case .strike(let kind): strike(kind)
        case .relent(let relief): relent(relief)
        case .heal: if !isHealed { heal() }
        }
    }

    func schedule(_ action: Action, after delay: Duration) {
        queue.schedule(action, at: now + delay)
    }

    /// Ends the run: a promise is broken.
    func fail(_ promise: Violation.Promise, _ detail: @autoclosure () -> String) {
        guard violation == nil else { return }
        let violation = Violation(promise, at: now, detail())
        self.violation = violation
        note("violation", "\(violation)")
    }

    /// Adds to the trace's hash.
    func mark(_ word: UInt64) {
        trace = (trace ^ word) &* 0x0000_0100_0000_01b3
        trace ^= trace >> 29
    }

    /// Logs an event for people.
    func note(_ kind: String, _ detail: @autoclosure () -> String) {
        guard let log else { return }
        let milliseconds = Double(now.nanoseconds / 1000) / 1000
        log("{\"ms\":\(milliseconds),\"event\":\"\(kind)\",\"detail\":\(detail().debugDescription)}")
    }
}
