import Logging
import NIOCore
import PacelineCluster
import PacelineServer

/// Runs a gateway's machine on one event loop: feeds it events one at a time, carries out their effects, and wakes it
/// at its deadline.
///
/// Never leaves its loop.
final class GatewayLoop {
    private let eventLoop: any EventLoop
    private let upstream: Upstream
    private let logger: Logger
    private let clock = NIODeadline.now()
    private let onReadiness: (Bool) -> Void
    private var machine: GatewayMachine
    private var clients: [ProxyRequestID: ProxyClient] = [:]
    private var attempts: [AttemptID: (client: ProxyRequestID, call: Upstream.Call)] = [:]
    private var inbox: [GatewayEvent] = []
    private var isHandling = false
    private var isReady = false
    /// What each replica last said of itself.
    private var health: [ReplicaAddress: HealthAnswer] = [:]
    private var armed: (at: Instant, task: Scheduled<Void>)?

    /// - Parameter onReadiness: told whenever the gateway begins or ceases to be ready.
    init(
        _ machine: GatewayMachine,
        upstream: Upstream,
        on eventLoop: any EventLoop,
        logger: Logger,
        onReadiness: @escaping (Bool) -> Void
    ) {
        (self.machine, self.upstream, self.eventLoop, self.logger) = (machine, upstream, eventLoop, logger)
        self.onReadiness = onReadiness
    }

    var snapshot: GatewaySnapshot { machine.snapshot }

    /// Stops the timer; what runs is given up.
    func stop() {
        armed?.task.cancel()
        armed = nil
        for client in clients.values { client.end(CancellationError()) }
        clients.removeAll()
        for attempt in attempts.values { attempt.call.cancel() }
        attempts.removeAll()
    }

    // MARK: Events

    /// Takes an event. Effects may cause events at once; those wait until the effects before them are done.
    func post(_ event: GatewayEvent) {
        if case .replicas(let addresses) = event { health = health.filter { addresses.contains($0.key) } }
        inbox.append(event)
        guard !isHandling else { return }
        isHandling = true
        while !inbox.isEmpty {
            for effect in machine.handle(inbox.removeFirst(), now: now) { carryOut(effect) }
        }
        isHandling = false
        if machine.isReady != isReady {
            isReady = machine.isReady
            onReadiness(isReady)
        }
        arm()
    }

    private var now: Instant {
        Instant(nanoseconds: UInt64(max(0, (NIODeadline.now() - clock).nanoseconds)))
    }

    private func arm() {
        guard let deadline = machine.deadline else { return }
        if let armed {
            guard deadline < armed.at else { return }
            armed.task.cancel()
        }
        let due = clock + .nanoseconds(Int64(clamping: deadline.nanoseconds))
        let task = eventLoop.assumeIsolated().scheduleTask(deadline: due) { [weak self] in
            guard let self else { return }
            armed = nil
            post(.timer)
        }
        armed = (deadline, task)
    }

    // MARK: Effects

    private func carryOut(_ effect: GatewayEffect) {
        switch effect {
        case .poll(let address):
            upstream.poll(address) { [weak self] in
                self?.note($0, of: address)
                self?.post(.polled(address, $0))
            }
        case .open(let attempt, let address, let call): open(attempt, address, call)
        case .close(let attempt): attempts.removeValue(forKey: attempt)?.call.cancel()
        case .answer(let id, let answer): clients.removeValue(forKey: id)?.answer(answer)
        case .begin(let id, let headers): clients[id]?.begin(headers)
        case .send(let id, let bytes, let tokens): clients[id]?.send(bytes, tokens: tokens)
        case .finish(let id): clients[id]?.finish()
        }
    }

    private func open(_ attempt: AttemptID, _ address: ReplicaAddress, _ call: UpstreamCall) {
        guard let id = machine.request(of: attempt), let client = clients[id] else { return }
        logger.log(level: client.isMoved ? .info : .debug, "\(client.requestID): to \(address)")
        client.isMoved = true
        let running = upstream.open(call, at: address, for: attempt, self)
        attempts[attempt] = (id, running)
    }

    /// Tells the operator when a replica says something else of itself.
    private func note(_ answer: HealthAnswer, of address: ReplicaAddress) {
        guard health.updateValue(answer, forKey: address) != answer else { return }
        switch answer {
        case .ready(let generation, _): logger.info("\(address) is ready, of generation \(generation)")
        case .refusing: logger.info("\(address) takes no requests: it loads its model, or is about to end")
        case .foreign:
            logger.warning("\(address) answers, but not as a verifier does; name the --http address of one")
        case .unreachable: logger.warning("\(address) does not answer")
        }
    }

    // MARK: Clients

    /// A client has come with a request.
    func take(_ id: ProxyRequestID, _ call: ProxiedCall, _ client: ProxyClient) {
        client.onRoom = { [weak self] hasRoom in self?.post(hasRoom ? .clientDrained(id) : .clientBlocked(id)) }
        client.onLoss = { [weak self] in self?.leave(id) }
        client.onOver = { [weak self] in self?.clients[id] = nil }
        clients[id] = client
        post(.request(id, call))
    }

    /// The stream of a client can be written.
    func attach(_ id: ProxyRequestID, _ writer: EventWriter, _ end: CheckedContinuation<Void, any Error>) {
        guard let client = clients[id] else { return end.resume(throwing: CancellationError()) }
        client.attach(writer, end)
    }

    /// A client has gone away; nothing happens if it has its answer.
    func leave(_ id: ProxyRequestID) {
        guard let client = clients.removeValue(forKey: id) else { return }
        client.end(CancellationError())
        post(.clientLeft(id))
    }

    // MARK: Replicas

    func answerBegan(_ attempt: AttemptID, _ head: AnswerHead) {
        if attempts[attempt] != nil { post(.answerBegan(attempt, head)) }
    }

    /// A part of an answer has come.
    ///
    /// - Returns: when the next part may be read.
    func answerBytes(_ attempt: AttemptID, _ bytes: ByteBuffer) -> EventLoopFuture<Void> {
        guard let (id, _) = attempts[attempt] else { return eventLoop.makeSucceededVoidFuture() }
        let client = clients[id]
        post(.answerBytes(attempt, bytes))
        return client?.room(on: eventLoop) ?? eventLoop.makeSucceededVoidFuture()
    }

    func answerEnded(_ attempt: AttemptID) {
        if attempts.removeValue(forKey: attempt) != nil { post(.answerEnded(attempt)) }
    }

    func attemptFailed(_ attempt: AttemptID, _ failure: AttemptFailure) {
        if attempts.removeValue(forKey: attempt) != nil { post(.attemptFailed(attempt, failure)) }
    }
}
