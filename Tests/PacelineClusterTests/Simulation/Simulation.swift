import NIOCore
import PacelineCluster
import PacelineSpeculation
import PacelineWire

import struct PacelineSimulation.EventQueue

/// A cluster in one thread and virtual time: the production machines and codecs, a mock target and mock drafters, a
/// network that delays, and faults by the seed. The same configuration gives the same run to the last byte.
final class Simulation {
    enum Action {
        case submit(Int)
        case cancel(Int)
        case verifierTimer
        case verifierProgress(pass: Int)
        case passDone(pass: Int, rounds: Pass, milliseconds: Double)
        case workerTimer(Int, life: Int)
        case turnDone(Int, life: Int, DraftJob)
        case connect(Int, life: Int, LinkID)
        case arrive(pipe: Int, SimulatedPipe.Side, ByteBuffer)
        case end(pipe: Int, SimulatedPipe.Side)
        case fault
        case resume(Int, life: Int)
        case restart(Int)
    }

    final class WorkerProcess {
        var machine: WorkerMachine
        var host: DraftHost
        let life: Int
        var isAlive = true
        var isComputing = false
        /// What came up while the process was stopped.
        var isStopped = false
        var backlog: [WorkerMachine.Event] = []
        var timer = Instant.zero

        init(machine: WorkerMachine, host: DraftHost, life: Int) {
            self.machine = machine
            self.host = host
            self.life = life
        }
    }

    struct Client {
        var request: GenerationRequest
        var tokens: [Token] = []
        var ending: RequestEvent?
        var commitTimes: [Instant] = []
    }

    let scenario: Scenario
    var random: SplitMix
    /// A stream of its own, so that handshakes do not shift what else comes of the seed.
    var nonces: SplitMix
    var now = Instant.zero
    var queue = EventQueue<Action>()
    var verifier: VerifierMachine
    let target = MockTarget()
    var workers: [WorkerProcess] = []
    var pipes: [SimulatedPipe] = []
    var clients: [Client] = []
    var verifierTimer = Instant(nanoseconds: .max)
    var passes = 0
    var notes: [VerifierNote] = []
    var faults: [String: Int] = [:]
    /// Chunks that are still to be corrupted.
    var corruptions = 0
    /// A running hash of everything that happened.
    private(set) var trace: UInt64 = 0

    init(_ scenario: Scenario) throws {
        self.scenario = scenario
        random = SplitMix(seed: scenario.seed)
        nonces = SplitMix(seed: scenario.seed ^ 0x4e4f_4e43)
        verifier = VerifierMachine(
            configuration: scenario.verifier,
            target: .mock(),
            costs: try .mock(base: scenario.passBase, perRow: scenario.passPerRow),
            incarnation: 1
        )
        for (index, request) in scenario.requests.enumerated() {
            clients.append(Client(request: request.generation))
            queue.schedule(.submit(index), at: .zero + request.start)
            if let cancel = request.cancel { queue.schedule(.cancel(index), at: .zero + cancel) }
        }
        for (index, plan) in scenario.workers.enumerated() {
            workers.append(makeWorker(index, life: 0))
            queue.schedule(.workerTimer(index, life: 0), at: .zero + plan.start)
        }
        for _ in 0..<scenario.faultCount {
            queue.schedule(
                .fault,
                at: Instant(nanoseconds: random.next() % UInt64(scenario.faultWindow.saturatedNanoseconds))
            )
        }
    }

    /// Runs until every request has ended and the dust has settled, or virtual time is over.
    func run(limit: Duration = .seconds(600)) {
        let end = Instant.zero + limit
        var settled: Instant?
        while let (at, action) = queue.next(), at <= end {
            now = at
            perform(action)
            if settled == nil, clients.allSatisfy({ $0.ending != nil }) { settled = now + .seconds(6) }
            if let settled, now >= settled { return }
        }
    }

    func mark(_ word: UInt64) {
        var mixer = SplitMix(seed: trace ^ word &* 0x9e37_79b9_7f4a_7c15)
        trace = mixer.next()
    }

    private func perform(_ action: Action) {
        mark(now.nanoseconds)
        switch action {
        case .submit(let index):
            tell(.submit(RequestID(rawValue: UInt64(index + 1)), clients[index].request))
        case .cancel(let index):
            tell(.cancel(RequestID(rawValue: UInt64(index + 1))))
        case .verifierTimer:
            guard now >= verifierTimer else { return }
            verifierTimer = Instant(nanoseconds: .max)
            tell(.timer)
        case .verifierProgress(let pass):
            if pass == passes { tell(.progressed) }
        case .passDone(let pass, let rounds, let milliseconds):
            finishPass(pass, rounds, milliseconds)
        case .workerTimer(let index, let life):
            guard workers[index].life == life, now >= workers[index].timer else { return }
            workers[index].timer = .zero
            tell(index, .timer)
        case .turnDone(let index, let life, let job):
            guard workers[index].life == life, workers[index].isAlive else { return }
            workers[index].isComputing = false
            let result = workers[index].host.perform(job)
            tell(index, .drafted(result))
        case .connect(let index, let life, let link): connect(index, life: life, link)
        case .arrive(let pipe, let side, let bytes): arrive(pipe, side, bytes)
        case .end(let pipe, let side): end(pipe, side)
        case .fault: injectFault()
        case .resume(let index, let life): resume(index, life: life)
        case .restart(let index): restart(index)
        }
    }
}
