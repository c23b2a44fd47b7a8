import HTTPTypes
import NIOCore
import PacelineCluster
import PacelineGateway
import PacelineServer
import PacelineSpeculation

/// The HTTP side of a simulated verifier: whether it wants requests, and how it ends in order.
final class VerifierPort {
    /// How long requests that run may take at the end.
    private static let grace = Duration.seconds(1)

    private unowned let verifier: VerifierProcess
    private let context: SimulationContext
    /// From the first word of the end, gateways are told to stay away; then requests are refused.
    private var drain = VerifierPort.fresh
    private static let fresh = DrainState(of: "the verifier")
    /// The model that it has, and the one that it gets when it starts again.
    private(set) var dialect = 0
    private var nextDialect = 0
    /// Whether it ends in order, and not by a crash.
    private var isEnding = false
    /// How long it will be away.
    private var downtime = Duration.zero
    /// What the kernel keeps while the process is stopped.
    private var backlog: [() -> Void] = []
    /// Calls in there.
    private var waiting: [SimulatedCall] = []
    private var exchanges: [SimulatedExchange] = []
    /// Since when it could be used if it can be now.
    private(set) var usableSince = Instant.zero

    init(of verifier: VerifierProcess, _ context: SimulationContext) {
        self.verifier = verifier
        self.context = context
    }

    private var timeline: Timeline { context.timeline }
    /// Whether it wants requests.
    var isServing: Bool { verifier.state.isRunning && !drain.isEnding }
    var isLeaving: Bool { drain.isEnding }

    /// What its model is called where it matters whether two are the same.
    var generation: String? { model?.generation }
    private var model: ServedModel? { (try? MockVocabulary.models.get())?[dialect] }

    // MARK: Calls

    /// A gateway asks for its health.
    func ask(_ onAnswer: @escaping (HealthAnswer) -> Void) {
        whenRunning { [unowned self] in
            guard !drain.isEnding, let model else { return onAnswer(.refusing) }
            let incarnation = "\(verifier.index) \(verifier.life)"
            onAnswer(.ready(generation: model.generation, incarnation: incarnation))
        }
    }

    /// A gateway's call has arrived.
    func accept(_ call: SimulatedCall) {
        if verifier.isStopped { waiting.append(call) }
        whenRunning { [unowned self, weak call] in
            guard let call, !call.isOver else { return }
            waiting.removeAll { $0 === call }
            take(call)
        }
    }

    private func whenRunning(_ work: @escaping () -> Void) {
        if verifier.isStopped { backlog.append(work) } else if !verifier.isDead { work() }
    }

    private func take(_ call: SimulatedCall) {
        do {
            try drain.checkOpenness()
            guard let model else { throw APIError.internalError("the mock vocabulary cannot be read") }
            let exchange = try SimulatedExchange(call, model: model, at: verifier, context)
            exchanges.removeAll(where: \.isOver)
            exchanges.append(exchange)
            exchange.begin()
        } catch let error as APIError {
            Self.answer(error, to: call)
        } catch {
            context.journal.fail(.engine, "\(verifier.host): \(error)")
        }
    }

    /// Answers a call in one piece.
    static func answer(_ error: APIError, to call: SimulatedCall) {
        var headers: HTTPFields = [.contentType: "application/json"]
        headers[.retryAfter] = error.retryAfter.map { "\($0)" }
        call.send(.head(AnswerHead(status: error.status, headers: headers)))
        let body = (try? JSON.encode(ErrorBody(error))) ?? []
        call.send(.bytes(ByteBuffer(bytes: body), tokens: 0))
        call.send(.end)
    }

    // MARK: The process

    /// Ends in order, as by SIGTERM, and starts again later.
    ///
    /// - Parameter dialect: the model that it has then; nil for the same.
    /// - Returns: whether it runs and was not about to end.
    func leave(forDialect dialect: Int?, downFor downtime: Duration) -> Bool {
        guard isServing else { return false }
        drain.leave()
        nextDialect = dialect ?? self.dialect
        self.downtime = downtime
        step(after: timeline.random.duration(below: .milliseconds(500))) { port in
            port.drain.drain()
            port.verifier.tell(.drain(grace: Self.grace))
            port.step(after: Self.grace) { $0.end() }
        }
        return true
    }

    /// Does something later, as soon as the process runs, unless it has died by then.
    private func step(after delay: Duration, _ work: @escaping (VerifierPort) -> Void) {
        timeline.schedule(after: delay) { [unowned self, life = verifier.life] in
            guard verifier.life == life, !verifier.isDead else { return }
            guard verifier.state.isRunning else { return step(after: .milliseconds(50), work) }
            work(self)
        }
    }

    /// All requests have ended after the word to drain.
    func drained() {
        step(after: .zero) { $0.end() }
    }

    private func end() {
        guard drain.phase == .draining else { return }
        verifier.tell(.shutdown)
        guard context.journal.violation == nil else { return }
        isEnding = true
        verifier.die()
        let delay = timeline.healedAt == nil ? downtime : .milliseconds(1)
        timeline.schedule(after: delay) { [unowned verifier] in verifier.restart() }
    }

    /// The process has gone on after a stop.
    func resume() {
        usableSince = timeline.now
        guard !backlog.isEmpty else { return }
        let work = backlog
        backlog = []
        for item in work {
            timeline.schedule(after: .zero) { [unowned self] in whenRunning(item) }
        }
    }

    func die() {
        if context.scenario.gateways > 0, !isEnding { context.journal.statistics.gateways.crashes += 1 }
        backlog = []
        for call in waiting { call.reset() }
        waiting = []
        exchanges = []
    }

    func boot() {
        (drain, isEnding) = (Self.fresh, false)
        dialect = nextDialect
        usableSince = timeline.now
    }
}
