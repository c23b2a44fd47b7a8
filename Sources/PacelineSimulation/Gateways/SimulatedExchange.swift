import HTTPTypes
import NIOCore
import PacelineCluster
import PacelineGateway
import PacelineServer

/// How a simulated verifier answers one call that generates: as the tasks of `GenerationService` do in production, with
/// the events of a verifier's machine and in virtual time. The bytes are written by the same code.
final class SimulatedExchange: RequestOwner {
    let index: Int
    private let call: SimulatedCall
    private let context: SimulationContext
    private unowned let verifier: VerifierProcess
    private var answer: GeneratedAnswer
    /// The choice of each request that has not ended.
    private var choices: [RequestID: Int] = [:]
    private var submitted = 0
    private var ended = 0
    private var hasBegun = false
    private var isSilent = true
    private let generation: String
    private(set) var isOver = false

    /// - Throws: ``APIError`` if a verifier refuses such a call.
    init(_ call: SimulatedCall, model: ServedModel, at verifier: VerifierProcess, _ context: SimulationContext) throws {
        (self.call, self.context, self.verifier) = (call, context, verifier)
        index = Int(call.attempt.number)
        generation = model.generation
        let request = APIRequest(
            id: "call \(index)",
            tenant: Tenant(rawValue: call.call.headers[.authorization] ?? ""),
            trace: TraceContext(
                traceID: TraceID(high: 1, low: call.attempt.number) ?? TraceContext.random().traceID,
                parentID: 1,
                isSampled: false
            ),
            path: call.call.path,
            headers: call.call.headers,
            body: call.call.body
        )
        let start = AnswerStart(number: call.attempt.number, created: Self.created, seed: 0)
        answer = try GeneratedAnswer(request, model: model, start: start)
    }

    /// Some moment of 2026, in seconds since 1970.
    private static let created = 1_780_000_000

    private var timeline: Timeline { context.timeline }
    var name: String { "call \(index)" }
    var draftLimit: Int { answer.requests.first?.draftLimit ?? .max }

    /// Submits the requests of all choices.
    func begin() {
        call.exchange = self
        if answer.pingInterval > .zero { scheduleTick() }
        while submitted < answer.requests.count, !isOver {
            verifier.submit(answer.requests[submitted], for: self)
        }
    }

    func attemptBegins(as request: RequestID) {
        choices[request] = submitted
        submitted += 1
    }

    // MARK: Events

    func receive(_ event: RequestEvent, of request: RequestID) {
        guard let choice = choices[request] else { return }
        if event.isLast {
            choices[request] = nil
            ended += 1
        }
        guard !isOver else { return }
        isSilent = false
        if case .failed(let fault) = event { OverloadCheck.judge(fault, of: "call \(index)", context) }
        do {
            let parts = try answer.take(event, choice: choice)
            if answer.isStreamed { beginAnswer() }
            var tokens = if case .tokens(let generated) = event { generated.tokens.count } else { 0 }
            for part in parts {
                call.send(.bytes(part, tokens: tokens))
                tokens = 0
            }
            guard ended == answer.requests.count else { return }
            let ending = try answer.ending()
            beginAnswer()
            for part in ending { call.send(.bytes(part, tokens: 0)) }
            finish()
        } catch let error as APIError {
            fail(error)
        } catch {
            context.journal.fail(.engine, "call \(index): \(error)")
        }
    }

    private func beginAnswer() {
        guard !hasBegun else { return }
        hasBegun = true
        var headers = answer.headers
        headers[.pacelineGeneration] = generation
        call.send(.head(AnswerHead(status: .ok, headers: headers)))
    }

    private func fail(_ error: APIError) {
        if hasBegun {
            for part in (try? GeneratedAnswer.ending(error)) ?? [] { call.send(.bytes(part, tokens: 0)) }
            finish()
        } else {
            VerifierPort.answer(error, to: call)
            isOver = true
        }
        cancelAll()
    }

    private func finish() {
        isOver = true
        call.send(.end)
    }

    private func cancelAll() {
        for request in choices.keys.sorted(by: { $0.rawValue < $1.rawValue }) { verifier.cancel(request) }
    }

    // MARK: Silence

    private func scheduleTick() {
        timeline.schedule(after: answer.pingInterval) { [weak self] in self?.tick() }
    }

    private func tick() {
        guard !isOver else { return }
        if verifier.state.isRunning {
            if isSilent {
                beginAnswer()
                call.send(.bytes(EventStream.comment, tokens: 0))
            }
            isSilent = true
        }
        scheduleTick()
    }

    // MARK: Ends

    /// The gateway has closed the connection.
    func leave() {
        guard !isOver else { return }
        isOver = true
        cancelAll()
    }

    /// The gateway leaves too many tokens unread.
    func overflow(_ tokens: Int) {
        for request in choices.keys.sorted(by: { $0.rawValue < $1.rawValue }) {
            verifier.overflow(request, waitingTokens: tokens)
        }
    }

    func loseAttempt() {
        guard !isOver else { return }
        isOver = true
        call.reset()
    }
}
