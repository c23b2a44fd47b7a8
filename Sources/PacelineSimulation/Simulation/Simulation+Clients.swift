import PacelineCluster
import PacelineSpeculation

extension Simulation {
    /// How long a client waits before it tries again, at least.
    private static var retryDelay: Duration { .milliseconds(50) }
    /// Tokens that may wait for a client that does not read; the shell's bound is larger and works the same.
    private static var unreadLimit: Int { 4 }

    func submit(_ client: Int) {
        guard clients[client].ending == nil, clients[client].attempt == nil else { return }
        guard !clients[client].isCancelled else { return end(client, .cancelled) }
        let verifier = clients[client].verifier
        guard !verifiers[verifier].state.isDead else { return retry(client) }
        verifiers[verifier].requestCount += 1
        let id = RequestID(rawValue: verifiers[verifier].requestCount)
        let key = AttemptKey(verifier: verifier, life: verifiers[verifier].state.life, request: id)
        clients[client].attempt = key
        clients[client].received = 0
        clients[client].unread = 0
        clients[client].lastTokensAt = nil
        attempts[key] = client
        statistics.requests += 1
        tellVerifier(verifier, .submit(id, clients[client].generation))
    }

    func cancel(_ client: Int) {
        guard clients[client].ending == nil else { return }
        clients[client].isCancelled = true
        guard let attempt = clients[client].attempt else { return }
        statistics.faults[.cancel, default: 0] += 1
        tellVerifier(attempt.verifier, .cancel(attempt.request))
    }

    private func retry(_ client: Int) {
        schedule(.submit(client), after: Self.retryDelay + random.duration(below: Self.retryDelay))
    }

    private func end(_ client: Int, _ ending: SimulatedClient.Ending) {
        clients[client].ending = ending
        openClients -= 1
        note("ended", "client \(client): \(ending)")
    }

    /// The verifier of some clients is gone: they see their connections end, and will try again.
    func loseAttempts(at verifier: Int) {
        for client in clients.indices {
            guard let attempt = clients[client].attempt, attempt.verifier == verifier else { continue }
            attempts[attempt] = nil
            clients[client].attempt = nil
            retry(client)
        }
    }

    /// A client gets an event.
    func receive(_ event: RequestEvent, for key: AttemptKey) {
        guard let client = attempts[key] else {
            return fail(.stream, "\(key.request) got an event after its last one, or was never submitted: \(event)")
        }
        if event.isLast {
            attempts[key] = nil
            clients[client].attempt = nil
        }
        switch event {
        case .tokens(let tokens, _): take(tokens, client, key)
        case .finished(let summary): finish(client, summary)
        case .failed(let fault): fail(client, fault)
        }
    }

    private func take(_ tokens: [Token], _ client: Int, _ key: AttemptKey) {
        guard !tokens.isEmpty else { return fail(.stream, "client \(client) got an event without tokens") }
        for token in tokens {
            let position = clients[client].received
            let plain = clients[client].plain
            guard position < plain.count, plain[position] == token else {
                let due = position < plain.count ? "\(plain[position])" : "the end"
                return fail(.identity, "client \(client) got token \(token) at position \(position), due was \(due)")
            }
            clients[client].received += 1
            statistics.tokens += 1
            mark(UInt64(token))
        }
        noteGap(of: client)
        clients[client].longest = max(clients[client].longest, clients[client].received)
        checkCache(of: client, key)
        leaveUnread(tokens.count, client, key)
    }

    /// A client that does not read leaves its tokens lying until the shell cuts it off.
    private func leaveUnread(_ count: Int, _ client: Int, _ key: AttemptKey) {
        guard let limit = clients[client].request.readLimit, clients[client].received > limit else { return }
        clients[client].unread += count
        guard clients[client].unread > Self.unreadLimit else { return }
        clients[client].isOverflowing = true
        statistics.faults[.slowClient, default: 0] += 1
        tellVerifier(key.verifier, .overflow(key.request, waitingTokens: clients[client].unread))
    }

    private func finish(_ client: Int, _ summary: RequestSummary) {
        let state = clients[client]
        if summary.reason == .cancelled {
            guard state.isCancelled else {
                return fail(.stream, "client \(client) was cancelled, and did not ask for it")
            }
            return end(client, .cancelled)
        }
        guard state.received == state.plain.count else {
            return fail(.identity, "client \(client) got \(state.received) of \(state.plain.count) tokens")
        }
        guard summary.completionTokens == state.received,
            summary.reason == (state.endsWithStop ? .stop : .length)
        else { return fail(.stream, "client \(client) was told it finished so: \(summary)") }
        end(client, .finished)
    }

    private func fail(_ client: Int, _ fault: RequestFault) {
        switch fault {
        case .overloaded(let running, let waiting):
            statistics.faults[.overload, default: 0] += 1
            guard waiting >= scenario.verifier.queueLimit else {
                return fail(.caps, "client \(client) was turned away with \(running) running and \(waiting) waiting")
            }
            retry(client)
        case .slowConsumer where clients[client].isOverflowing: end(client, .tooSlow)
        default: fail(.liveness, "client \(client) failed: \(fault)")
        }
    }
}
