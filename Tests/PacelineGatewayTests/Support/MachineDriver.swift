import HTTPTypes
import NIOCore
import PacelineCluster

@testable import PacelineGateway
@testable import PacelineServer

/// A machine that a test drives event by event.
struct MachineDriver {
    var machine: GatewayMachine
    var now = Instant.zero
    /// The effects of the last event.
    private(set) var effects: [GatewayEffect] = []

    /// - Parameter generations: of the verifiers, which are all ready.
    init(_ generations: String..., configuration: GatewayConfiguration = GatewayConfiguration()) {
        self.init(generations, configuration: configuration)
    }

    init(_ generations: [String], configuration: GatewayConfiguration = GatewayConfiguration()) {
        machine = GatewayMachine(configuration)
        give(.replicas(generations.indices.map(Self.address)))
        for (number, generation) in generations.enumerated() { report(number, .ready(generation: generation)) }
    }

    static func address(_ number: Int) -> ReplicaAddress { GatewayWorld.address(number) }

    mutating func give(_ event: GatewayEvent, after time: Duration = .zero) {
        now = now + time
        effects = machine.handle(event, now: now)
    }

    mutating func report(_ number: Int, _ health: HealthAnswer) {
        give(.polled(Self.address(number), health))
    }

    /// Lets time pass, in steps of the machine's ticks; verifiers that are ready stay so.
    mutating func wait(_ time: Duration, answering: Set<Int> = []) -> [GatewayEffect] {
        let end = now + time
        var all: [GatewayEffect] = []
        while now < end {
            give(.timer, after: .milliseconds(50))
            all += effects
            for number in answering { report(number, .ready(generation: "g")) }
        }
        effects = all
        return all
    }

    // MARK: Requests

    /// Sends a request; returns where it went, as the verifier's number.
    @discardableResult
    mutating func ask(_ id: UInt64, _ call: ProxiedCall) -> Int? {
        give(.request(ProxyRequestID(id), call))
        return opened?.number
    }

    /// The attempt that the last event opened.
    var opened: (id: AttemptID, number: Int, call: UpstreamCall)? {
        for case .open(let attempt, let address, let call) in effects {
            return (attempt, (0..<100).first { Self.address($0) == address } ?? -1, call)
        }
        return nil
    }

    /// The answer that the last event gave a client.
    var answer: ProxyAnswer? {
        for case .answer(_, let answer) in effects { return answer }
        return nil
    }

    /// What the last event sent to clients.
    var sent: String {
        effects.reduce(into: "") { text, effect in
            if case .send(_, let bytes, _) = effect { text += String(buffer: bytes) }
        }
    }

    /// The headers of a stream that the last event began.
    var begun: HTTPFields? {
        for case .begin(_, let headers) in effects { return headers }
        return nil
    }

    var isFinished: Bool {
        effects.contains { if case .finish = $0 { true } else { false } }
    }

    // MARK: Answers

    /// - Parameters:
    ///   - generation: what the verifier says of itself.
    ///   - seed: what it says of the answer.
    mutating func beginStream(
        _ attempt: AttemptID,
        generation: String? = nil,
        seed: String? = nil,
        after time: Duration = .zero
    ) {
        var head = AnswerHead(status: .ok, headers: [.contentType: "text/event-stream"])
        head.headers[.pacelineSeed] = seed
        head.headers[.pacelineGeneration] = generation
        give(.answerBegan(attempt, head), after: time)
    }

    mutating func stream(_ attempt: AttemptID, _ text: String, after time: Duration = .zero) {
        give(.answerBytes(attempt, ByteBuffer(string: text)), after: time)
    }

    mutating func refuse(_ attempt: AttemptID, _ error: APIError) {
        let answer = ProxyAnswer(error)
        give(.answerBegan(attempt, AnswerHead(status: answer.status, headers: answer.headers)))
        give(.answerBytes(attempt, answer.body))
        give(.answerEnded(attempt))
    }

    /// A chunk of a completion with one token.
    static func chunk(_ text: String, _ token: Int, id: String = "cmpl-1", created: Int = 9) -> String {
        "data: {\"id\":\"\(id)\",\"object\":\"text_completion\",\"created\":\(created),\"model\":\"m\","
            + "\"system_fingerprint\":\"fp\",\"choices\":[{\"index\":0,\"text\":\"\(text)\",\"logprobs\":null,"
            + "\"finish_reason\":null,\"token_ids\":[\(token)]}]}\n\n"
    }
}
