import PacelineCluster
import PacelineSpeculation
import PacelineWire

extension Simulation {
    /// The longest wait of a worker between two attempts to connect, its handshake, and the time to notice that a
    /// half-open connection is one.
    private static var recovery: Duration { .seconds(14) }

    /// A pass is about to start: was a token held up for the sake of drafts?
    func checkDelay(of pass: Pass, at index: Int) {
        guard let ready = verifiers[index].readySince, !pass.rounds.isEmpty else { return }
        let delay = (now - ready).inMilliseconds
        let limit = scenario.delayLimit.inMilliseconds
        statistics.longestDelay = max(statistics.longestDelay, delay)
        if delay > limit + 0.01 {
            fail(.delay, "a pass of \(pass.rows) rows began \(delay) ms after it could have")
        }
        // A plain pass would have begun at once, with a row for each sequence and for each prompt token. The verifier
        // knows the costs by measurement, so it may be out by a little.
        let drafted = pass.rounds.reduce(0) { sum, round in
            if case .verify(let tree) = round.work { sum + tree.count } else { sum }
        }
        let plain = scenario.costs.milliseconds(rows: pass.rows - drafted)
        let overrun = scenario.costs.milliseconds(rows: pass.rows) - plain
        statistics.longestOverrun = max(statistics.longestOverrun, delay + overrun)
        if delay + overrun > limit + max(1, 0.05 * plain) {
            let excess = "\(delay) ms were waited before a pass that takes \(overrun) ms longer than a plain one"
            fail(.delay, excess)
        }
    }

    /// A client has got tokens: how long has it waited since it got some?
    func noteGap(of client: Int) {
        if let last = clients[client].lastTokensAt {
            statistics.longestGap = max(statistics.longestGap, (now - last).inMilliseconds)
        }
        clients[client].lastTokensAt = now
        lastTokensAt = now
    }

    /// The cache holds what the client was sent and the prompt, unless the request is over.
    func checkCache(of client: Int, _ key: AttemptKey) {
        let state = clients[client]
        guard state.received < state.plain.count else { return }
        let cached = verifiers[key.verifier].target.length(of: key.request)
        let committed = state.request.prompt.count + state.received
        if cached != committed {
            fail(.engine, "client \(client) has \(committed) tokens, the engine \(cached.map(String.init) ?? "none")")
        }
    }

    func checkCaps(ofVerifier index: Int) {
        let verifier = verifiers[index].machine
        let (running, waiting) = (verifier.runningCount, verifier.waitingCount)
        if running > scenario.verifier.slots || waiting > scenario.verifier.queueLimit {
            fail(.caps, "verifier \(index) holds \(running) running and \(waiting) waiting requests")
        }
        let links = verifier.linkCount
        if links > scenario.verifier.workerLimit + scenario.verifier.pendingLimit {
            fail(.caps, "verifier \(index) holds \(links) links")
        }
    }

    func checkOutbox(of id: Int, _ side: Connection.Side) {
        let bytes = connections[id]?[to: side.other].outboxBytes ?? 0
        // The frame that exceeds the limit is not written, but the farewell is.
        if bytes > scenario.link.outboundLimit + WireLimits.handshakePayload {
            fail(.caps, "\(bytes) bytes wait for a peer that takes none")
        }
    }

    /// A receiver was handed the first byte that is not as it was sent.
    func notePoison(_ id: Int, _ side: Connection.Side) {
        guard let connection = connections[id], let worker = connection.worker, !connection.isClosed(side) else {
            return
        }
        statistics.poisonDelivered += 1
        note("poison", "connection \(id), to the \(side)")
        if side == .worker {
            workers[worker].hasMetPoison = true
        } else {
            blame.hasMetPoison(
                VerifierLinkKey(
                    verifier: connection.verifier,
                    life: connection.verifierLife,
                    link: connection.verifierLink
                )
            )
        }
    }

    /// A side is done with a connection, for whatever reason. If it has been handed something corrupt, that is taken
    /// for outlived until the side says that it was for this: see ``noteDetection()``.
    func noteEnd(of id: Int, _ side: Connection.Side) {
        guard let connection = connections[id], connection.worker != nil, !connection.isClosed(side),
            connection[to: side].watch.isPoisonDelivered
        else { return }
        statistics.poisonOutlived += 1
        note("outlived", "connection \(id), by the \(side)")
    }

    /// A side has given a connection up because of what was corrupt.
    func noteDetection() {
        statistics.poisonDetected += 1
        statistics.poisonOutlived -= 1
    }

    /// A receiver has been handed the whole of a corrupt frame: it must be done with the connection.
    func checkNoticed(_ id: Int, _ side: Connection.Side) {
        guard let connection = connections[id], connection.client != .stranger else { return }
        if case .byzantine = connection.client { return }
        if connection.isClosed(side) { return }
        fail(.corruption, "the \(side) of connection \(id) went on after a corrupt or repeated frame")
    }

    // MARK: Rest

    /// Whether every request has ended, every worker is connected and nothing is left of the requests.
    var isAtRest: Bool {
        for verifier in verifiers
        where verifier.compute.isBusy || verifier.target.openCount > 0 || !verifier.machine.isIdle {
            return false
        }
        for worker in workers where worker.machine.sessionTotal > 0 || worker.compute.isBusy {
            return false
        }
        return missingLinks == 0 && strangerCount == 0 && !hasDeadConnection
    }

    /// Links of workers that should be up and are not.
    var missingLinks: Int {
        let room = min(workers.count, scenario.verifier.workerLimit)
        return verifiers.reduce(0) { missing, verifier in
            missing + max(0, room - verifier.machine.workerCount)
        }
    }

    /// Whether somebody still holds a connection over which nothing comes any more.
    private var hasDeadConnection: Bool {
        connections.values.contains { connection in
            let isDead = connection[to: .worker].isBlackHole || connection[to: .verifier].isBlackHole
            let isHeld = connection.verifierLife == verifiers[connection.verifier].state.life
            return isDead && isHeld && connection.isOpened(.verifier) && !connection.isClosed(.verifier)
        }
    }

    private var strangerCount: Int {
        verifiers.reduce(0) { $0 + $1.machine.linkCount - $1.machine.workerCount }
    }

    /// After everything has healed, everything must work again soon.
    func checkLiveness() {
        let passes = clients.reduce(0) {
            $0 + $1.plain.count + 2 + $1.request.prompt.count / scenario.verifier.prefillRows
        }
        let longest = scenario.costs.milliseconds(rows: scenario.verifier.prefillRows + 64) + 60
        let limit = Self.recovery + .fromMilliseconds(Double(passes) * longest)
        guard now - healedAt > limit else { return }
        let open = clients.indices.filter { clients[$0].ending == nil }
        guard open.isEmpty else {
            return fail(.liveness, "clients \(open) still wait \(limit) after everything healed")
        }
        let verifier = verifiers.map { "\($0.machine.snapshot)" }.joined(separator: "; ")
        fail(missingLinks > 0 ? .liveness : .accounting, "not at rest after \(limit); \(verifier)")
    }
}
