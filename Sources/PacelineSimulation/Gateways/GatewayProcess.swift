import NIOCore
import PacelineCluster
import PacelineGateway
import PacelineSpeculation

extension GatewayEvent: MachineEvent {
    /// Never comes: a gateway has no compute thread.
    static var progressed: GatewayEvent { .timer }
}

/// A simulated gateway process: the machine of production between simulated clients and verifiers.
final class GatewayProcess: SimulatedProcess {
    /// An answer that a client waits for.
    private struct Served {
        let client: StreamingClient
        /// Whether the client has gone away, which a stopped process does not know yet.
        var hasLeft = false
        /// Verifiers that were asked for it, and those of them that were asked to go on.
        var opens = 0
        var resumes = 0
        /// Whether no part with tokens has come since.
        var isFresh = true
        /// Whether the client does not read.
        var isBlocked = false
    }

    /// What ends with the process.
    private struct Memory {
        var machine: GatewayMachine
        var calls: [AttemptID: SimulatedCall] = [:]
        var clients: [ProxyRequestID: Served] = [:]
        var requestCount: UInt64 = 0
    }

    let index: Int
    let network: SimulatedNetwork
    /// The ways to the verifiers, in their order; behind them those to their second addresses, if they have such.
    let routes: [UpstreamRoute]
    var state = ProcessState<GatewayEvent, Never>(life: 0)
    /// Since when it has been running.
    private(set) var usableSince = Instant.zero
    private let context: SimulationContext
    private let verifiers: [VerifierProcess]
    /// The verifiers that it is told of.
    private let listed: () -> [ReplicaAddress]
    private var memory: Memory

    init(
        _ index: Int,
        _ context: SimulationContext,
        _ verifiers: [VerifierProcess],
        network: SimulatedNetwork,
        listed: @escaping () -> [ReplicaAddress]
    ) {
        (self.index, self.context, self.verifiers, self.network) = (index, context, verifiers, network)
        self.listed = listed
        let addresses = context.scenario.hasTwoAddresses ? 2 : 1
        routes = (0..<verifiers.count * addresses).map { _ in UpstreamRoute(context) }
        memory = Memory(machine: GatewayMachine(context.scenario.gateway))
        context.timeline.schedule(after: .zero) { [unowned self] in didBoot() }
    }

    static func address(ofVerifier index: Int) -> ReplicaAddress {
        ReplicaAddress(Endpoint(host: "verifier", port: index + 1))
    }

    /// The second address of a verifier.
    static func secondAddress(ofVerifier index: Int) -> ReplicaAddress {
        ReplicaAddress(Endpoint(host: secondHost, port: index + 1))
    }

    private static let secondHost = "verifier-v6"

    /// The verifier at an address.
    static func index(of address: ReplicaAddress) -> Int { address.endpoint.port - 1 }

    private func route(to address: ReplicaAddress) -> UpstreamRoute {
        routes[Self.index(of: address) + (address.endpoint.host == Self.secondHost ? verifiers.count : 0)]
    }

    /// Until when some way to a verifier lets nothing through.
    func blockedUntil(to verifier: Int) -> Instant {
        stride(from: verifier, to: routes.count, by: verifiers.count).map { routes[$0].blockedUntil }.reduce(.zero, max)
    }

    var timeline: Timeline { context.timeline }
    var journal: Journal { context.journal }
    var host: String { "gateway \(index)" }
    var deadline: Instant? { memory.machine.deadline }
    var snapshot: GatewaySnapshot { memory.machine.snapshot }
    /// Calls that can be cut off.
    var openCalls: [SimulatedCall] {
        memory.calls.keys.sorted().compactMap { memory.calls[$0] }.filter { $0.exchange != nil }
    }
    /// Whether no request is left, in any part of it.
    var isIdle: Bool { memory.calls.isEmpty && memory.clients.isEmpty && snapshot.requests == 0 }

    // MARK: Clients

    /// A client asks.
    func take(_ call: ProxiedCall, of client: StreamingClient) {
        memory.requestCount += 1
        let id = ProxyRequestID(memory.requestCount)
        memory.clients[id] = Served(client: client)
        client.attemptBegins(at: self, as: id)
        tell(.request(id, call))
    }

    func leave(_ id: ProxyRequestID) {
        memory.clients[id]?.hasLeft = true
        tell(.clientLeft(id))
    }

    /// A client ceases to read.
    func block(_ id: ProxyRequestID) {
        memory.clients[id]?.isBlocked = true
        tell(.clientBlocked(id))
    }

    /// A client reads again.
    func unblock(_ id: ProxyRequestID) {
        guard memory.clients[id] != nil else { return }
        memory.clients[id]?.isBlocked = false
        tell(.clientDrained(id))
        for attempt in memory.calls.keys.sorted() where memory.calls[attempt]?.request == id {
            memory.calls[attempt]?.resume()
        }
    }

    func isBlocked(_ id: ProxyRequestID) -> Bool { memory.clients[id]?.isBlocked ?? false }

    /// The list of verifiers has changed.
    func relist() {
        tell(.replicas(listed()))
    }

    // MARK: The machine

    func handle(_ event: GatewayEvent) {
        switch event {
        case .answerEnded(let attempt), .attemptFailed(let attempt, _): memory.calls[attempt] = nil
        case .clientLeft(let id): memory.clients[id] = nil
        default: break
        }
        for effect in memory.machine.handle(event, now: timeline.now) { perform(effect) }
        if case .timer = event { checkCounts() }
        if case .clientLeft(let id) = event { checkLeft(id) }
    }

    private func perform(_ effect: GatewayEffect) {
        switch effect {
        case .poll(let address): poll(address)
        case .open(let attempt, let address, let call): open(attempt, address, call)
        case .close(let attempt): memory.calls.removeValue(forKey: attempt)?.abandon()
        case .answer(let id, let answer):
            release(id)
            guard let served = memory.clients.removeValue(forKey: id), !served.hasLeft else { break }
            served.client.receive(context.interference.answer(answer))
        case .begin(let id, let headers):
            guard let served = memory.clients[id], !served.hasLeft else { break }
            served.client.receive(context.interference.headers(headers))
        case .send(let id, let bytes, let tokens): send(bytes, tokens: tokens, to: id)
        case .finish(let id):
            release(id)
            guard let served = memory.clients.removeValue(forKey: id), !served.hasLeft else { break }
            served.client.receiveEnd(resumes: served.resumes)
        }
    }

    private func send(_ bytes: ByteBuffer, tokens: Int, to id: ProxyRequestID) {
        guard let served = memory.clients[id], !served.hasLeft else { return }
        let part = Interference.Part(opens: served.opens, isFirst: served.isFresh, tokens: tokens)
        if tokens > 0 { memory.clients[id]?.isFresh = false }
        guard !context.interference.losesPart(part) else { return }
        served.client.receive(bytes, tokens: tokens)
    }

    private func open(_ attempt: AttemptID, _ address: ReplicaAddress, _ call: UpstreamCall) {
        guard let id = memory.machine.request(of: attempt), let served = memory.clients[id] else { return }
        let verifier = verifiers[Self.index(of: address)].host
        journal.note("open", from: host, to: verifier, "\(attempt) for client \(served.client.index) at \(address)")
        memory.clients[id]?.opens += 1
        memory.clients[id]?.isFresh = true
        if served.client.hasContent {
            memory.clients[id]?.resumes += 1
            checkGeneration(of: address, for: served.client)
        }
        let place = Self.index(of: address)
        let simulated = SimulatedCall(
            attempt,
            of: id,
            context.interference.call(call),
            from: self,
            to: verifiers[place],
            at: address,
            over: route(to: address),
            context
        )
        memory.calls[attempt] = simulated
        simulated.begin()
    }

    /// The machine counts no attempt of a request any more. One whose connection still ends is left to do so.
    private func release(_ id: ProxyRequestID) {
        for call in memory.calls.values where call.request == id { call.isReleased = true }
    }

    // MARK: Health

    /// An answer about health counts once: that of the verifier, or that none came in time.
    private final class Question {
        var isAnswered = false
    }

    private func poll(_ address: ReplicaAddress) {
        let (question, life) = (Question(), life)
        func answer(_ answer: HealthAnswer, at time: Instant) {
            timeline.schedule(at: time) { [unowned self] in
                guard self.life == life, !question.isAnswered else { return }
                question.isAnswered = true
                tell(.polled(address, answer))
            }
        }
        let (route, verifier) = (route(to: address), verifiers[Self.index(of: address)])
        timeline.schedule(at: route.arrival()) { [unowned verifier, unowned route] in
            guard !verifier.isDead else { return answer(.unreachable, at: route.arrival()) }
            verifier.port.ask { answer($0, at: route.arrival()) }
        }
        answer(.unreachable, at: timeline.now + context.scenario.gateway.healthLimit)
    }

    // MARK: Checks

    /// The machine counts the attempts that run, and no others.
    private func checkCounts() {
        for entry in snapshot.replicas {
            let open = memory.calls.values.count { $0.address == entry.address && !$0.isReleased }
            if entry.requests != open {
                journal.fail(.accounting, "\(host) counts \(entry.requests) requests at \(entry.address), not \(open)")
            }
            if entry.outstandingTokens < entry.requests {
                let count = "\(entry.outstandingTokens) tokens for \(entry.requests) requests"
                journal.fail(.accounting, "\(host) counts \(count) at \(entry.address)")
            }
        }
    }

    /// No verifier is asked to go on with what another model wrote, as far as the gateway knows.
    private func checkGeneration(of address: ReplicaAddress, for client: StreamingClient) {
        guard let due = client.generation, let known = entry(of: address)?.generation, known != due else { return }
        journal.fail(.stream, "\(host) asks \(address) to go on with client \(client.index)'s text of another model")
    }

    private func entry(of address: ReplicaAddress) -> GatewaySnapshot.Entry? {
        snapshot.replicas.first { $0.address == address }
    }

    /// Whether it would give requests to all verifiers that are on its list, with the models that they have.
    var knowsVerifiers: Bool {
        let entries = snapshot.replicas
        return listed().allSatisfy { address in
            guard let entry = entries.first(where: { $0.address == address }) else { return false }
            let isUsable = entry.state == "ready" || entry.state == "spare"
            return isUsable && entry.generation == verifiers[Self.index(of: address)].port.generation
        }
    }

    /// No verifier works for a client that has gone.
    private func checkLeft(_ id: ProxyRequestID) {
        guard memory.calls.values.contains(where: { $0.request == id && !$0.isReleased }) else { return }
        journal.fail(.cancellation, "\(host) goes on with \(id), whose client has left")
    }

    /// At rest nothing is outstanding.
    func checkAccounts() {
        for entry in snapshot.replicas where entry.requests != 0 || entry.outstandingTokens != 0 {
            let rest = "\(entry.requests) requests and \(entry.outstandingTokens) tokens at \(entry.address)"
            journal.fail(.accounting, "\(host) is at rest with \(rest)")
        }
    }

    // MARK: Lives

    /// The process ends at once, and its kernel closes all connections.
    func die() {
        state.status = .dead
        journal.statistics.gateways.add(snapshot.statistics)
        let (calls, clients) = (memory.calls, memory.clients)
        memory = Memory(machine: GatewayMachine(context.scenario.gateway))
        for attempt in calls.keys.sorted() { calls[attempt]?.abandon() }
        for id in clients.keys.sorted() {
            if let served = clients[id], !served.hasLeft { served.client.loseGateway() }
        }
    }

    func willResume() {
        usableSince = timeline.now
    }

    func boot(life: Int) {
        state = ProcessState(life: life)
        memory = Memory(machine: GatewayMachine(context.scenario.gateway))
    }

    func didBoot() {
        usableSince = timeline.now
        relist()
    }

    func didHandleEvents() {}
    func complete(_ job: Never) {}
    func receive(_ event: ConnectionEvent, on link: LinkID) {}
    func forget(_ link: LinkID) {}
}
