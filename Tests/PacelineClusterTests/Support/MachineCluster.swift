import NIOCore
import PacelineSimulation
import PacelineSpeculation

@testable import PacelineCluster

/// A verifier's machine, its engine and workers' machines on one thread, joined by hand. Passes and draft steps are
/// real; time passes only as the cost curve says.
///
/// Workers say all they have to say before a pass starts, so that drafts are verified in nearly every round.
final class MachineCluster {
    private enum Post {
        case verifier(VerifierMachine.Event)
        case worker(Int, WorkerMachine.Event)
    }

    private struct Worker {
        var machine: WorkerMachine
        var host: DraftHost
        /// The worker's name for its link.
        var link = LinkID(rawValue: 0)
    }

    /// What one request's client was told.
    struct Answer {
        var prompt: [TokenLogProbability]?
        var pieces: [GeneratedTokens] = []
        var summary: RequestSummary?
        var fault: RequestFault?

        var tokens: [Token] { pieces.flatMap(\.tokens) }
        var text: String { pieces.map(\.text).joined() }
        var logProbabilities: [TokenLogProbability] { pieces.flatMap(\.logProbabilities) }
    }

    private(set) var verifier: VerifierMachine
    private(set) var answers: [RequestID: Answer] = [:]
    /// By request: the most nodes that a round verified.
    private(set) var largestTrees: [RequestID: Int] = [:]
    /// What was observed.
    private(set) var records: [RoundRecord] = []
    /// The order in which requests were opened at the engine.
    private(set) var admissions: [RequestID] = []
    private let runner: PassRunner
    private let costs: CostCurve
    private var workers: [Worker] = []
    private var posts: [Post] = []
    private var pass: Pass?
    private var now = Instant.zero
    private var nonces = SplitMix(seed: 1)
    private var lastRequest: UInt64 = 0

    /// - Parameters:
    ///   - drafters: the source of each worker's drafters.
    ///   - planner: what shapes the workers' trees.
    ///   - usesConstraints: whether the workers are told what texts must be.
    init(
        _ configuration: VerifierConfiguration = VerifierConfiguration(),
        target: TargetDescription = .mock(),
        engine: any TargetEngine = MockTarget(),
        drafters: [any DrafterSource] = [],
        planner: PlannerSettings? = nil,
        usesConstraints: Bool = false
    ) throws {
        costs = try .mock()
        verifier = VerifierMachine(configuration: configuration, target: target, costs: costs, incarnation: 1)
        runner = PassRunner(engine: engine)
        for (index, source) in drafters.enumerated() {
            var configuration = WorkerConfiguration(name: "worker \(index)", fingerprint: nil)
            configuration.draft.planner = planner
            configuration.usesConstraints = usesConstraints
            let machine = WorkerMachine(
                configuration: configuration,
                verifiers: [Endpoint(host: "verifier", port: 7411)],
                incarnation: UInt64(index) + 2,
                seed: UInt64(index)
            )
            workers.append(Worker(machine: machine, host: DraftHost(source: source)))
            posts.append(.worker(index, .timer))
        }
        settle()
    }

    @discardableResult
    func submit(_ request: GenerationRequest) -> RequestID {
        lastRequest += 1
        let id = RequestID(rawValue: lastRequest)
        answers[id] = Answer()
        posts.append(.verifier(.submit(id, request)))
        return id
    }

    /// Something happens to a worker.
    func tell(worker index: Int, _ event: WorkerMachine.Event) {
        posts.append(.worker(index, event))
        settle()
    }

    func observe(_ observation: Observation) {
        posts.append(.verifier(.observe(observation)))
    }

    func cancel(_ id: RequestID) {
        posts.append(.verifier(.cancel(id)))
    }

    /// Runs a request alone.
    func answer(_ request: GenerationRequest) -> Answer {
        let id = submit(request)
        run()
        return answers[id] ?? Answer()
    }

    /// Goes on until no request is left.
    func run() {
        settle()
        while !verifier.isIdle || pass != nil { advance() }
    }

    /// Carries out the pass at hand; if there is none, lets time pass until one is due.
    func advance() {
        if let pass {
            now = now + .fromMilliseconds(costs.milliseconds(rows: pass.rows))
            tick()
            finish(pass)
        } else {
            let deadlines = [verifier.deadline] + workers.map(\.machine.deadline)
            now = max(now, deadlines.compactMap { $0 }.min() ?? now)
            tick()
        }
        settle()
    }

    private func finish(_ pass: Pass) {
        self.pass = nil
        for round in pass.rounds {
            guard case .verify(let tree) = round.work else { continue }
            largestTrees[round.request] = max(largestTrees[round.request] ?? 0, tree.count)
        }
        admissions += pass.openings.map(\.request)
        do {
            let outcomes = try runner.run(pass, progress: ComputeProgress())
            posts.append(.verifier(.passFinished(outcomes, milliseconds: costs.milliseconds(rows: pass.rows))))
        } catch {
            posts.append(.verifier(.passFailed("\(error)")))
        }
    }

    private func tick() {
        posts += workers.indices.map { .worker($0, .timer) }
        posts.append(.verifier(.timer))
        settle()
    }

    private func settle() {
        while !posts.isEmpty {
            switch posts.removeFirst() {
            case .verifier(let event): for effect in verifier.handle(event, now: now) { perform(effect) }
            case .worker(let index, let event):
                for effect in workers[index].machine.handle(event, now: now) { perform(effect, of: index) }
            }
        }
    }

    private func perform(_ effect: VerifierMachine.Effect) {
        switch effect {
        case .link(let id, let action):
            let index = Int(id.rawValue) - 1
            let link = workers[index].link
            guard case .write(let bytes) = action else { return }
            posts.append(.worker(index, .link(link, .received(bytes))))
            posts.append(.verifier(.link(id, .flushed(bytes: bytes.readableBytes))))
        case .run(let pass): self.pass = pass
        case .emit(let id, .prompt(let prompt)): answers[id]?.prompt = prompt
        case .emit(let id, .tokens(let piece)): answers[id]?.pieces.append(piece)
        case .emit(let id, .finished(let summary)): answers[id]?.summary = summary
        case .emit(let id, .failed(let fault)): answers[id]?.fault = fault
        case .round(let record): records.append(record)
        case .note: break
        }
    }

    private func perform(_ effect: WorkerMachine.Effect, of index: Int) {
        let id = LinkID(rawValue: UInt64(index) + 1)
        switch effect {
        case .connect(_, let link):
            workers[index].link = link
            let host = "worker \(index)"
            posts.append(.verifier(.accepted(id, host: host, nonce: LinkNonce(using: &nonces))))
            posts.append(.worker(index, .link(link, .connected(LinkNonce(using: &nonces)))))
        case .link(let link, .write(let bytes)):
            posts.append(.verifier(.link(id, .received(bytes))))
            posts.append(.worker(index, .link(link, .flushed(bytes: bytes.readableBytes))))
        case .draft(let job): posts.append(.worker(index, .drafted(workers[index].host.perform(job))))
        case .link, .note, .refused, .drained: break
        }
    }
}
