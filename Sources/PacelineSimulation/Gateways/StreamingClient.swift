import HTTPTypes
import NIOCore
import PacelineCluster
import PacelineGateway
import PacelineServer
import PacelineSpeculation

/// A client of gateways. It asks for an answer, does so again if it was refused or cut off, and compares what it gets
/// with plain decoding.
final class StreamingClient {
    enum Ending: Equatable {
        case finished
        case cancelled
    }

    /// How long a client waits before it tries again, at least.
    private static let retryDelay = Duration.milliseconds(50)

    let index: Int
    private(set) var ending: Ending?
    private let request: Scenario.Request
    private unowned let fleet: GatewayFleet
    private let context: SimulationContext
    private let oracle: StreamOracle
    private var transcript: StreamTranscript
    private var attempt: (gateway: GatewayProcess, id: ProxyRequestID)?
    private var asked = 0
    /// The seed of its answer, once somebody has named it.
    private var seed: UInt64?
    private var isCancelled = false
    private var hasPaused = false
    /// Whether it has anything of its stream.
    private(set) var hasContent = false
    /// The generation of the model that wrote what it has; nil while it has nothing.
    var generation: String? {
        guard hasContent, let dialect = transcript.dialect else { return nil }
        return (try? MockVocabulary.models.get())?[dialect].generation
    }
    /// When it last asked, or got tokens.
    private var lastProgress = Instant.zero
    /// Tokens that the gateway says it has sent since the client asked.
    private var received = 0

    init(_ index: Int, _ request: Scenario.Request, of fleet: GatewayFleet, _ context: SimulationContext) {
        (self.index, self.request, self.fleet, self.context) = (index, request, fleet, context)
        oracle = StreamOracle(request)
        // Who has a part of an answer from before has its seed.
        if request.stream.statesSeed || request.generated > 0 { seed = request.seed }
        transcript = StreamTranscript(oracle)
        context.timeline.schedule(after: request.start) { [unowned self] in submit() }
        guard let cancel = request.cancel else { return }
        context.timeline.schedule(after: request.start + cancel) { [unowned self] in self.cancel() }
    }

    private var journal: Journal { context.journal }
    private var timeline: Timeline { context.timeline }
    private var name: String { "client \(index)" }

    /// Passes that the request needs at most, if it begins from the start.
    func passes(prefillRows: Int) -> Int {
        let each = request.maximumTokens + 2 + request.prompt.count / prefillRows
        return each * request.stream.choices
    }

    // MARK: What the client does

    private func submit() {
        guard ending == nil, attempt == nil else { return }
        guard !isCancelled else { return end(.cancelled) }
        let gateway = fleet.gateways[(index + asked) % fleet.gateways.count]
        asked += 1
        guard !gateway.isDead else { return retry() }
        journal.statistics.requests += 1
        journal.statistics.gateways.streams += 1
        journal.note(
            "ask",
            from: name,
            to: gateway.host,
            transcript.resumption == nil ? "from the beginning" : "for the rest"
        )
        gateway.take(StreamCallWriter(request).call(resuming: transcript.resumption, seed: seed), of: self)
    }

    func attemptBegins(at gateway: GatewayProcess, as id: ProxyRequestID) {
        attempt = (gateway, id)
        (hasContent, received, lastProgress) = (false, 0, timeline.now)
    }

    private func cancel() {
        guard ending == nil else { return }
        isCancelled = true
        guard let attempt else { return }
        journal.count(.cancel)
        self.attempt = nil
        attempt.gateway.leave(attempt.id)
        end(.cancelled)
    }

    /// Asks again later: behind what it has if it may, or from the beginning.
    ///
    /// - Parameter advice: when it was told to try again.
    private func askAgain(after advice: Duration = .zero) {
        attempt = nil
        if request.goesOn { transcript.goOn() } else { transcript = StreamTranscript(oracle) }
        retry(after: advice)
    }

    private func retry(after advice: Duration = .zero) {
        let least = max(Self.retryDelay, advice / 2)
        let delay = least + timeline.random.duration(below: least)
        timeline.schedule(after: delay) { [unowned self] in submit() }
    }

    private func end(_ ending: Ending) {
        self.ending = ending
        journal.note("ended", from: name, "\(ending)")
    }

    // MARK: What a gateway tells it

    /// The head of its stream names the seed, so that it can ask for the rest.
    func receive(_ headers: HTTPFields) {
        seed = headers[.pacelineSeed].flatMap { UInt64($0) }
        guard seed != request.seed else { return }
        journal.fail(
            .stream,
            "client \(index) is told the seed \(headers[.pacelineSeed] ?? "none"), not \(request.seed)"
        )
    }

    func receive(_ bytes: ByteBuffer, tokens: Int) {
        guard attempt != nil else { return journal.fail(.stream, "client \(index) got a part that it did not ask for") }
        let before = transcript.compared
        judge { try transcript.take(bytes) }
        let new = transcript.compared - before
        journal.statistics.tokens += new
        journal.mark(UInt64(new) << 32 | UInt64(bytes.readableBytes))
        if transcript.dialect != nil { hasContent = true }
        guard tokens > 0 else { return }
        received += tokens
        journal.note("answer", from: attempt?.gateway.host, to: name, "\(tokens) tokens")
        (journal.lastTokensAt, lastProgress) = (timeline.now, timeline.now)
        pauseIfDue()
    }

    /// It ceases to read for a while.
    private func pauseIfDue() {
        guard let limit = request.readLimit, received > limit, !hasPaused, let attempt else { return }
        hasPaused = true
        journal.count(.slowClient)
        attempt.gateway.block(attempt.id)
        let life = attempt.gateway.life
        timeline.schedule(after: request.stream.readPause) { [unowned self] in
            guard let now = self.attempt, now.gateway === attempt.gateway, now.id == attempt.id,
                now.gateway.life == life
            else { return }
            now.gateway.unblock(now.id)
        }
    }

    /// Its stream is over.
    ///
    /// - Parameter resumes: verifiers that were asked to go on with it.
    func receiveEnd(resumes: Int) {
        judge { try transcript.checkEnd() }
        guard let gateway = attempt?.gateway, journal.violation == nil else { return }
        guard let error = transcript.error else {
            attempt = nil
            journal.statistics.gateways.completed += 1
            if request.stream.isChat { journal.statistics.gateways.chats += 1 }
            if resumes > 0 { journal.statistics.gateways.resumed += 1 }
            return end(.finished)
        }
        journal.note("lost", from: gateway.host, to: name, "\(error)")
        journal.statistics.gateways.lost += 1
        judgeLoss(of: transcript.dialect, at: gateway, error)
        askAgain()
    }

    /// An answer in one piece, or a refusal.
    func receive(_ answer: ProxyAnswer) {
        guard let gateway = attempt?.gateway else {
            return journal.fail(.stream, "client \(index) got an answer that it did not ask for")
        }
        guard answer.status != .ok || request.stream.isStreamed else { return receive(whole: answer) }
        journal.note("refused", from: gateway.host, to: name, "\(answer.status.code)")
        journal.statistics.gateways.refused += 1
        let body = String(decoding: answer.body.readableBytesView, as: UTF8.self)
        switch answer.status.code {
        case 429 where mayBeFull: break
        case 503: judgeLoss(of: nil, at: gateway, body)
        default: journal.fail(.stream, "client \(index) got \(answer.status.code): \(body)")
        }
        askAgain(after: .seconds(answer.headers[.retryAfter].flatMap { Int($0) } ?? 0))
    }

    private func receive(whole answer: ProxyAnswer) {
        receive(answer.headers)
        judge { try transcript.take(whole: answer.body) }
        judge { try transcript.checkEnd() }
        guard journal.violation == nil else { return }
        attempt = nil
        journal.statistics.tokens += transcript.compared
        journal.mark(UInt64(transcript.compared) << 32 | UInt64(answer.body.readableBytes))
        journal.statistics.gateways.completed += 1
        journal.statistics.gateways.whole += 1
        if request.stream.isChat { journal.statistics.gateways.chats += 1 }
        end(.finished)
    }

    /// Its gateway has died.
    func loseGateway() {
        askAgain()
    }

    // MARK: Checks

    private func judge(_ work: () throws -> Void) {
        do {
            try work()
        } catch let difference as StreamTranscript.Difference {
            journal.fail(difference.promise, "client \(index) got \(difference.detail)")
        } catch {
            journal.fail(.stream, "client \(index) cannot read its stream: \(error)")
        }
    }

    /// Whether verifiers or gateways may have no room.
    private var mayBeFull: Bool {
        context.scenario.faults.contains(.overload) || context.scenario.gateway.requestLimit < fleet.streams.count
    }

    /// A gateway may give a request up only if no verifier could go on with it, or if more were lost than it may lose.
    private func judgeLoss(of dialect: Int?, at gateway: GatewayProcess, _ reason: String) {
        // A verifier that serves may have no memory all the same.
        guard !mayBeFull, !reason.contains(MockTarget.pressure),
            let verifier = fleet.steadyVerifier(of: dialect, for: gateway)
        else { return }
        let blow = journal.lastBlow.map { $0 + .seconds(20) >= lastProgress } ?? false
        if context.scenario.gateway.failureLimit < Scenario.unlimitedFailures, blow { return }
        journal.fail(.liveness, "client \(index) was given up while \(verifier.host) could go on: \(reason)")
    }
}
