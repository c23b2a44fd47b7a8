import PacelineSpeculation
import PacelineWire

extension WorkerMachine {
    /// How long a verifier may take to take its requests back from a worker that leaves it.
    private static let leaveGrace = Duration.seconds(2)

    /// Serves these verifiers from now on.
    ///
    /// A verifier that is no longer among them is not connected to again. One that shuts down has left its Service long
    /// before its last request ends, so open requests are drafted for to their end.
    mutating func follow(_ verifiers: [Endpoint], now: Instant) {
        guard phase == .running else { return }
        let wanted = Set(verifiers)
        for endpoint in contacts.keys where !wanted.contains(endpoint) {
            contacts[endpoint] = nil
        }
        for id in links.keys {
            guard let link = links[id] else { continue }
            switch link.stay {
            case .lasting where !wanted.contains(link.endpoint):
                links.update(id) { $0.stay = .retiring(by: now + configuration.retirement) }
            case .retiring where wanted.contains(link.endpoint):
                links.update(id) { $0.stay = .lasting }
                take(id, link, backFor: link.endpoint, now: now)
            default: break
            }
        }
        for endpoint in wanted.sorted() where !contacts.contains(endpoint) {
            contacts[endpoint] = VerifierContact(delays: configuration.reconnectDelay)
        }
        connectIfDue(now: now)
    }

    /// A verifier is one to serve again before its link has ended.
    private mutating func take(_ id: LinkID, _ link: WorkerLink, backFor endpoint: Endpoint, now: Instant) {
        var contact = VerifierContact(delays: configuration.reconnectDelay)
        contact.link = id
        contact.reconnection.connecting()
        if link.incarnation != nil { contact.reconnection.established(now: now) }
        contacts[endpoint] = contact
    }

    /// Leaves all verifiers in order.
    mutating func drain(grace: Duration, now: Instant) {
        guard phase == .running else { return }
        phase = .draining
        contacts = SortedTable()
        for id in links.keys {
            leave(id, by: now + grace, reason: Self.farewell, now: now)
        }
    }

    /// Tells a verifier to do without this worker. It takes its requests back, and plans without them at once.
    private mutating func leave(_ id: LinkID, by limit: Instant, reason: String, now: Instant) {
        let grace = min(Int(max(0, (limit - now).inMilliseconds)), WireLimits.graceMilliseconds)
        send(.drain(Message.Drain(graceMilliseconds: grace, reason: reason)), to: id, now: now)
        links.update(id) { $0.stay = .leaving(by: limit) }
    }

    /// Ends links that nothing keeps any more.
    mutating func leaveIfDone(now: Instant) {
        for id in links.keys {
            guard let link = links[id], let limit = link.limit, isIdle(id) || now >= limit else { continue }
            if !link.isLeaving {
                leave(
                    id,
                    by: now + Self.leaveGrace,
                    reason: "the verifier is no longer one of those to serve",
                    now: now
                )
            }
            // What is still open was to be taken back, and may be until the limit.
            if isIdle(id) || link.isLeaving { abort(id, .shutdown, now: now) }
        }
        guard phase == .draining, links.count == 0 else { return }
        phase = .ended
        outbox.append(.drained)
    }

    /// Whether a verifier has no request open here.
    private func isIdle(_ id: LinkID) -> Bool {
        !sessions.values.contains { $0.link == id } && !arriving.contains { $0.link == id }
    }
}
