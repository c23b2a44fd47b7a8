import NIOCore
import PacelineCluster
import PacelineServer
import PacelineSpeculation

/// How requests come, find a replica, and end.
extension GatewayMachine {
    mutating func take(_ id: ProxyRequestID, _ call: ProxiedCall, now: Instant) {
        guard requests.count < configuration.requestLimit else {
            statistics.count(.refused)
            effects.append(.answer(id, ProxyAnswer(.tooManyRequests)))
            return
        }
        requests[id] = ProxyRequest(call, eventLimit: configuration.answerLimit, now: now)
        place(id, now: now)
    }

    /// Gives a request to a replica, or does what is left if none can take it.
    mutating func place(_ id: ProxyRequestID, now: Instant) {
        guard let request = requests[id] else { return }
        let prefixes = request.call.generation?.prefixes ?? []
        let wanted = PlantedBug.generationForgotten.isPlanted ? nil : request.generation
        let choice = replicas.choice(prefixes, generation: wanted, excluding: request.tried, now: now)
        guard let address = choice, let generation = replicas[address]?.generation else { return wait(id, now: now) }
        let charge = request.charge(configuration)
        let attempt = ProxyRequest.Attempt(
            id: nextAttempt(),
            address: address,
            generation: generation,
            opened: now,
            lastByte: now,
            charge: charge
        )
        replicas.begin(on: address, charge: charge, prefixes: prefixes)
        attempts[attempt.id] = id
        effects.append(.open(attempt.id, address, request.call.call(resuming: request.relay?.point)))
        requests[id]?.relay?.begin()
        requests[id]?.begin(attempt, now: now)
    }

    /// No replica can take a request now. The client of one that none has taken learns it at once; the others wait.
    private mutating func wait(_ id: ProxyRequestID, now: Instant) {
        guard let request = requests[id] else { return }
        guard request.hasBegun || request.failures > 0 else {
            return answer(id, request.refusal ?? ProxyAnswer(.noReplica), .refused)
        }
        let since = request.waiting?.since ?? now
        guard request.waited + (now - since) < configuration.patience else { return lose(id) }
        requests[id]?.waiting = (since, now + request.retryInterval(configuration, id))
        requests[id]?.looks += 1
        requests[id]?.tried.removeAll()
    }

    /// Looks whether something has taken too long.
    mutating func look(at id: ProxyRequestID, now: Instant) {
        guard let request = requests[id] else { return }
        // A stream that no replica has taken may still be refused.
        let isTaken = request.hasBegun || request.failures > 0 || request.attempt?.hasBegun == true
        if isTaken, let interval = request.pingInterval(configuration), !request.isBlocked,
            now - request.lastSent >= interval
        {
            send(id, EventStream.comment, now: now)
        }
        guard let attempt = request.attempt else {
            if let waiting = request.waiting, now >= waiting.next { place(id, now: now) }
            return
        }
        // Before the head nothing pings: the prompt is on its way, or is being read.
        guard request.relay != nil, attempt.hasBegun else {
            if replicas.isSilent(attempt.address, now: now) { fail(id, .unhealthy, now: now) }
            return
        }
        // Patience grows: on a machine that is too busy, trying elsewhere again and again would make it busier.
        let limit = configuration.stallLimit * (1 << min(request.failures, 4))
        if !request.isBlocked, now - attempt.lastByte > limit { fail(id, .stalled, now: now) }
    }

    // MARK: Ends of attempts

    /// A replica did not take a request; others may.
    mutating func refuse(
        _ id: ProxyRequestID,
        _ reason: GatewayStatistics.Reason,
        _ answer: ProxyAnswer?,
        now: Instant
    ) {
        guard let address = drop(id) else { return }
        if reason == .leaving { replicas.note(.refusing, of: address, now: now) }
        if reason == .unreachable { replicas.note(.down, of: address, now: now) }
        if let answer { requests[id]?.keep(answer) }
        if PlantedBug.refusalIsFinal.isPlanted { return lose(id) }
        move(id, from: address, reason, now: now)
    }

    /// A replica was lost with a request.
    mutating func fail(_ id: ProxyRequestID, _ reason: GatewayStatistics.Reason, now: Instant) {
        guard let address = drop(id) else { return }
        if requests[id]?.relay?.isComplete == true {
            send(id, EventStream.event(EventStream.done), now: now)
            return finish(id)
        }
        if reason == .foreign { replicas.note(.unknown, of: address, now: now) }
        replicas.suspect(address, now: now)
        requests[id]?.failures += 1
        requests[id]?.failovers += 1
        guard let request = requests[id], request.failures <= configuration.failureLimit,
            request.failovers <= configuration.failoverLimit
        else { return lose(id) }
        move(id, from: address, reason, now: now)
    }

    private mutating func move(
        _ id: ProxyRequestID,
        from address: ReplicaAddress,
        _ reason: GatewayStatistics.Reason,
        now: Instant
    ) {
        if requests[id]?.hasContent == true {
            statistics.countFailover(reason)
            let last = requests[id]?.lastContent
            if requests[id]?.cut == nil { requests[id]?.cut = last }
        } else {
            statistics.countRetry(reason)
        }
        replicas.countMove(from: address, reason)
        // A verifier that cannot be reached at one address may be at another.
        requests[id]?.tried.formUnion(reason == .unreachable ? [address] : replicas.addresses(of: address))
        place(id, now: now)
    }

    /// Ends a request's attempt.
    ///
    /// - Returns: where it was.
    @discardableResult
    mutating func drop(_ id: ProxyRequestID) -> ReplicaAddress? {
        guard let attempt = requests[id]?.attempt else { return nil }
        effects.append(.close(attempt.id))
        release(id)
        return attempt.address
    }

    /// Forgets an attempt that has ended by itself.
    mutating func release(_ id: ProxyRequestID) {
        guard let attempt = requests[id]?.attempt else { return }
        if !PlantedBug.attemptLeaked.isPlanted { replicas.end(on: attempt.address, charge: attempt.charge) }
        if case .collecting(_, let body) = attempt.progress { collectedBytes -= body.readableBytes }
        attempts[attempt.id] = nil
        requests[id]?.attempt = nil
    }

    // MARK: Ends of requests

    mutating func leave(_ id: ProxyRequestID) {
        guard requests[id] != nil, !PlantedBug.goneClientServed.isPlanted else { return }
        drop(id)
        requests[id] = nil
        statistics.count(.left)
    }

    /// Answers in one piece; in a stream that has begun with pings alone, as an event.
    mutating func answer(_ id: ProxyRequestID, _ answer: ProxyAnswer, _ outcome: GatewayStatistics.Outcome) {
        drop(id)
        guard let request = requests.removeValue(forKey: id) else { return }
        statistics.count(outcome)
        guard request.hasBegun else {
            effects.append(.answer(id, answer))
            return
        }
        // An event is one line, as the answers of verifiers are.
        let isLine = !answer.body.readableBytesView.contains(UInt8(ascii: "\n"))
        let body = isLine ? answer.body : ProxyAnswer(.replicasLost).body
        var bytes = EventStream.event(Array(body.readableBytesView))
        bytes.writeImmutableBuffer(EventStream.event(EventStream.done))
        effects.append(.send(id, bytes, tokens: 0))
        effects.append(.finish(id))
    }

    /// Gives a request up.
    private mutating func lose(_ id: ProxyRequestID) {
        let refusal = requests[id]?.hasContent == true ? nil : requests[id]?.refusal
        answer(id, refusal ?? ProxyAnswer(.replicasLost), .lost)
    }

    /// A stream has all its bytes.
    mutating func finish(_ id: ProxyRequestID) {
        drop(id)
        requests[id] = nil
        statistics.count(.answered)
        effects.append(.finish(id))
    }

    /// Sends a part of a stream, which may be the first.
    mutating func send(_ id: ProxyRequestID, _ bytes: ByteBuffer, tokens: Int = 0, now: Instant) {
        if let request = requests[id], !request.hasBegun { effects.append(.begin(id, request.headers)) }
        requests[id]?.hasBegun = true
        requests[id]?.lastSent = now
        effects.append(.send(id, bytes, tokens: tokens))
    }
}
