import HTTPTypes
import NIOCore
import PacelineCluster
import PacelineSpeculation
import PacelineTestKit

@testable import PacelineGateway
@testable import PacelineServer

/// A gateway's machine among verifiers that crash, hang, drain and refuse, under a virtual clock. Equal seeds give
/// equal runs, but for the ids of answers.
struct GatewayWorld {
    enum Health: Equatable {
        case up, down, stopped, draining
    }

    struct Verifier {
        var health = Health.up
        var generation = "one"
        /// Whether it has no room for more requests.
        var isFull = false
        /// Whether it fails with what it is asked, at once or in the middle.
        var isFailing = false
        /// Attempts that it answers: what is left to send, with the head first.
        var answers: [AttemptID: [Piece]] = [:]
        /// Questions for its health that came while it was stopped.
        var polls = 0
    }

    enum Piece {
        case head(AnswerHead)
        case bytes(ByteBuffer)
        case end
    }

    struct Client {
        let call: ProxiedCall
        var text = ""
        var hasBegun = false
        /// What the head of its stream says.
        var seed: String?
        var answer: ProxyAnswer?
        var isOver = false
        var opens = 0
        var lastBytes = Instant.zero
        var longestSilence = Duration.zero
    }

    private enum Action {
        case event(GatewayEvent)
        case step(ReplicaAddress, AttemptID)
        case change(ReplicaAddress, Health)
        case full(ReplicaAddress, Bool)
        case failing(ReplicaAddress, Bool)
        case pause(Duration)
    }

    var machine: GatewayMachine
    var verifiers: [ReplicaAddress: Verifier] = [:]
    var clients: [ProxyRequestID: Client] = [:]
    private(set) var now = Instant.zero
    private var agenda: [(at: Instant, order: Int, action: Action)] = []
    private var order = 0
    private let reference: ReferenceVerifier
    var random: SplitMix
    /// From one part of an answer to the next.
    var pace = Duration.milliseconds(20)
    /// How long verifiers may take at most to read a prompt, without a sign of life in that stream.
    var longestReading = Duration.zero
    /// Until when the gateway's process is stopped, and what has come meanwhile.
    private var pausedUntil = Instant.zero
    private(set) var paused = Duration.zero
    private var inbox: [GatewayEvent] = []

    init(_ count: Int, seed: UInt64, reference: ReferenceVerifier, configuration: GatewayConfiguration = .init()) {
        machine = GatewayMachine(configuration)
        random = SplitMix(seed: seed)
        self.reference = reference
        for number in 0..<count { verifiers[Self.address(number)] = Verifier() }
        plan(.event(.replicas(verifiers.keys.sorted())), in: .zero)
    }

    static func address(_ number: Int) -> ReplicaAddress {
        ReplicaAddress(Endpoint(host: "10.0.0.\(number + 1)", port: 8080))
    }

    // MARK: Plans

    private mutating func plan(_ action: Action, in time: Duration) {
        order += 1
        agenda.append((now + time, order, action))
    }

    mutating func ask(_ id: UInt64, _ call: ProxiedCall, in time: Duration = .zero) {
        clients[ProxyRequestID(id)] = Client(call: call)
        plan(.event(.request(ProxyRequestID(id), call)), in: time)
    }

    mutating func leave(_ id: UInt64, in time: Duration) {
        plan(.event(.clientLeft(ProxyRequestID(id))), in: time)
    }

    mutating func change(_ number: Int, to health: Health, in time: Duration = .zero) {
        plan(.change(Self.address(number), health), in: time)
    }

    mutating func fill(_ number: Int, _ isFull: Bool, in time: Duration = .zero) {
        plan(.full(Self.address(number), isFull), in: time)
    }

    mutating func fault(_ number: Int, _ isFailing: Bool, in time: Duration = .zero) {
        plan(.failing(Self.address(number), isFailing), in: time)
    }

    /// Stops the gateway's process for a while.
    mutating func pause(for length: Duration, in time: Duration = .zero) {
        plan(.pause(length), in: time)
    }

    /// Ends a verifier's process at once.
    mutating func crash(_ address: ReplicaAddress) {
        change(address, .down)
    }

    // MARK: Running

    /// Runs until a moment, or until nothing is left to do but to ask for health.
    mutating func run(for limit: Duration, until isEnough: (GatewayWorld) -> Bool = { _ in false }) {
        let end = now + limit
        while !isEnough(self) {
            let next = agenda.indices.min { (agenda[$0].at, agenda[$0].order) < (agenda[$1].at, agenda[$1].order) }
            let deadline = machine.deadline.map { max($0, now, pausedUntil) }
            let at = [next.map { agenda[$0].at }, deadline].compactMap(\.self).min()
            guard let at, at <= end else { break }
            now = at
            if let next, agenda[next].at == at {
                act(agenda.remove(at: next).action)
            } else {
                handle(.timer)
            }
        }
        if !isEnough(self) { now = end }
    }

    private mutating func act(_ action: Action) {
        switch action {
        case .event(let event): handle(event)
        case .step(let address, let attempt): step(address, attempt)
        case .change(let address, let health): change(address, health)
        case .full(let address, let isFull): verifiers[address]?.isFull = isFull
        case .failing(let address, let isFailing): verifiers[address]?.isFailing = isFailing
        case .pause(let length):
            let end = max(pausedUntil, now + length)
            paused += end - max(pausedUntil, now)
            pausedUntil = end
        }
    }

    private mutating func handle(_ event: GatewayEvent) {
        guard now >= pausedUntil else { return inbox.append(event) }
        let waiting = inbox
        inbox.removeAll()
        // A process that goes on may find its timer before what came in the meantime, or behind it.
        var isFirst = false
        if case .timer = event, !waiting.isEmpty { isFirst = random.next(below: 2) == 0 }
        for event in isFirst ? [event] + waiting : waiting + [event] {
            for effect in machine.handle(event, now: now) { carryOut(effect) }
        }
    }

    private mutating func carryOut(_ effect: GatewayEffect) {
        switch effect {
        case .poll(let address): poll(address)
        case .open(let attempt, let address, let call): open(attempt, address, call)
        case .close(let attempt):
            for address in verifiers.keys { verifiers[address]?.answers[attempt] = nil }
        case .answer(let id, let answer):
            clients[id]?.answer = answer
            clients[id]?.isOver = true
        case .begin(let id, let headers):
            clients[id]?.hasBegun = true
            clients[id]?.seed = headers[.pacelineSeed]
        case .send(let id, let bytes, _):
            clients[id]?.text += String(buffer: bytes)
            if let client = clients[id], client.lastBytes > .zero {
                clients[id]?.longestSilence = max(client.longestSilence, now - client.lastBytes)
            }
            clients[id]?.lastBytes = now
        case .finish(let id): clients[id]?.isOver = true
        }
    }

    private mutating func poll(_ address: ReplicaAddress) {
        guard let verifier = verifiers[address] else { return }
        switch verifier.health {
        case .up: plan(.event(.polled(address, .ready(generation: verifier.generation))), in: .milliseconds(1))
        case .draining: plan(.event(.polled(address, .refusing)), in: .milliseconds(1))
        case .down: plan(.event(.polled(address, .unreachable)), in: .milliseconds(1))
        case .stopped: plan(.event(.polled(address, .unreachable)), in: .seconds(1))
        }
    }

    private mutating func open(_ attempt: AttemptID, _ address: ReplicaAddress, _ call: UpstreamCall) {
        if let id = machine.request(of: attempt) { clients[id]?.opens += 1 }
        guard let verifier = verifiers[address], verifier.health != .down else {
            return plan(.event(.attemptFailed(attempt, .unreachable)), in: .milliseconds(1))
        }
        if verifier.health == .draining {
            verifiers[address]?.answers[attempt] = Self.refusal(
                .unavailable("the verifier is shutting down", code: "draining", retryAfter: 2)
            )
        } else if verifier.isFull {
            verifiers[address]?.answers[attempt] = Self.refusal(.overloaded("no room", retryAfter: 1))
        } else if verifier.isFailing, random.next(below: 2) == 0 {
            verifiers[address]?.answers[attempt] = Self.refusal(.internalError("the engine failed"))
        } else {
            let answer = pieces(call, isFailing: verifier.isFailing)
            verifiers[address]?.answers[attempt] = answer
        }
        let reading = longestReading * random.nextUnit() * random.nextUnit()
        plan(.step(address, attempt), in: .milliseconds(1 + random.next(below: 5)) + reading)
    }

    private static func refusal(_ error: APIError) -> [Piece] {
        let answer = ProxyAnswer(error)
        return [.head(AnswerHead(status: answer.status, headers: answer.headers)), .bytes(answer.body), .end]
    }

    /// The answer to a call in parts, as a network may cut it.
    ///
    /// - Parameter isFailing: whether it ends with an error somewhere.
    private mutating func pieces(_ call: UpstreamCall, isFailing: Bool) -> [Piece] {
        do {
            var events = try reference.events(call, &random)
            if isFailing {
                let error = try GeneratedAnswer.ending(.internalError("the engine failed"))
                events = events.prefix(random.next(below: events.count)) + error.map { String(buffer: $0) }
            }
            var bytes = ByteBuffer(string: events.joined())
            var pieces = [Piece.head(AnswerHead(status: .ok, headers: [.contentType: "text/event-stream"]))]
            while bytes.readableBytes > 0 {
                let length = min(bytes.readableBytes, 1 + random.next(below: 500))
                if let part = bytes.readSlice(length: length) { pieces.append(.bytes(part)) }
            }
            return pieces + [.end]
        } catch {
            return Self.refusal(error as? APIError ?? .internalError("\(error)"))
        }
    }

    private mutating func step(_ address: ReplicaAddress, _ attempt: AttemptID) {
        guard let verifier = verifiers[address], let piece = verifier.answers[attempt]?.first else { return }
        // It goes on where it was when it is continued.
        guard verifier.health != .stopped else { return plan(.step(address, attempt), in: .milliseconds(50)) }
        verifiers[address]?.answers[attempt]?.removeFirst()
        switch piece {
        case .head(let head): handle(.answerBegan(attempt, head))
        case .bytes(let bytes): handle(.answerBytes(attempt, bytes))
        case .end:
            verifiers[address]?.answers[attempt] = nil
            return handle(.answerEnded(attempt))
        }
        plan(.step(address, attempt), in: pace * random.nextUnit())
    }

    mutating func change(_ address: ReplicaAddress, _ health: Health) {
        guard let verifier = verifiers[address] else { return }
        verifiers[address]?.health = health
        guard health == .down || (verifier.health == .draining && health == .up) else { return }
        // A process that has ended, in disorder or in order, takes its connections along.
        verifiers[address]?.answers.removeAll()
        for attempt in verifier.answers.keys.sorted() {
            plan(.event(.attemptFailed(attempt, .disconnected)), in: .milliseconds(random.next(below: 3)))
        }
    }

    // MARK: What must hold

    /// Tokens that the table of replicas counts as outstanding, beside those of the requests that run.
    var outstanding: (counted: Int, running: Int) {
        (
            machine.replicas.replicas.values.reduce(0) { $0 + $1.outstanding },
            machine.requests.values.reduce(0) { $0 + ($1.attempt?.charge ?? 0) }
        )
    }

    var attempts: (counted: Int, running: Int) {
        (machine.replicas.replicas.values.reduce(0) { $0 + $1.attempts }, machine.attempts.count)
    }

    /// What the client of a request would have got of a verifier alone.
    func expected(_ client: Client) throws -> StreamText {
        var random = SplitMix(seed: 1)
        let body = client.call.call(resuming: nil).body
        let text = try reference.events(
            UpstreamCall(method: .post, path: client.call.path, headers: [:], body: body),
            &random
        ).joined()
        var stream = try StreamText(text)
        guard client.call.generation?.showsTokens == false else { return stream }
        for choice in stream.choices.keys { stream.choices[choice]?.tokens = [] }
        (stream.prompts, stream.showsTokens) = ([], false)
        return stream
    }
}
