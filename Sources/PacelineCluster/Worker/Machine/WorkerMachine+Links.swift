import PacelineSpeculation
import PacelineWire

extension WorkerMachine: LinkOwner {
    mutating func act(_ action: LinkAction, on id: LinkID) {
        outbox.append(.link(id, action))
    }

    mutating func join(_ id: LinkID, _ peer: LinkPeer, now: Instant) {
        guard let endpoint = links[id]?.endpoint else { return }
        links.update(id) { $0.incarnation = peer.incarnation }
        tally.connected()
        contacts.update(endpoint) { contact in
            contact.reconnection.established(now: now)
            contact.fault = nil
            contact.fencedBy = nil
        }
        outbox.append(.note(.joined(endpoint: endpoint, peer)))
        for other in contacts.keys where contacts[other]?.fencedBy == peer.incarnation {
            standBy(other, behind: id, of: endpoint)
        }
    }

    mutating func leave(_ id: LinkID, _ link: WorkerLink, _ fault: LinkFault, now: Instant) {
        for session in sessions.keys where sessions[session]?.link == id {
            if PlantedBug.sessionsOutliveLink.isPlanted { break }
            sessions[session] = nil
        }
        arriving.removeAll { $0.link == id }
        guard phase != .ended else { return }
        wake(behind: id, now: now)
        // The worker left by itself: the verifier is not to be served any more.
        guard fault != .shutdown else { return outbox.append(.note(.left(endpoint: link.endpoint))) }
        if standBy(id, link, fault) { return }
        if link.incarnation != nil { tally.disconnected() }
        let retry = reconnect(id, link, fault, now: now)
        outbox.append(.note(.linkClosed(endpoint: link.endpoint, fault, retry: retry)))
        endIfRefused(fault)
    }

    /// Decides when to try a verifier again.
    ///
    /// - Returns: how long until then; nil if there will be no other attempt.
    private mutating func reconnect(_ id: LinkID, _ link: WorkerLink, _ fault: LinkFault, now: Instant) -> Duration? {
        guard contacts[link.endpoint]?.link == id else { return nil }
        let jitter = random.nextUnit()
        return contacts.update(link.endpoint) { contact -> Duration? in
            contact.fault = fault
            contact.fencedBy = fault.isFencing ? link.incarnation : nil
            return contact.reconnection.ended(fault, jitter: jitter, now: now)
        }
    }

    /// Two addresses may lead to one verifier, which then keeps the newer link. The address of the older one stands by,
    /// or both would take the verifier from each other for ever.
    ///
    /// The older link may end before the newer one is established; then ``join(_:_:now:)`` finds out.
    ///
    /// - Returns: whether the link ended for that reason.
    private mutating func standBy(_ id: LinkID, _ link: WorkerLink, _ fault: LinkFault) -> Bool {
        guard fault.isFencing, let incarnation = link.incarnation, contacts[link.endpoint]?.link == id,
            let twin = links.keys.first(where: { links[$0]?.incarnation == incarnation }),
            let other = links[twin]?.endpoint
        else { return false }
        standBy(link.endpoint, behind: twin, of: other)
        return true
    }

    private mutating func standBy(_ endpoint: Endpoint, behind link: LinkID, of other: Endpoint) {
        switch contacts[endpoint]?.reconnection.state {
        case .waiting, .established: break
        // An attempt that is under way decides it again.
        case .connecting, .refused, .standingBy, nil: return
        }
        contacts.update(endpoint) { contact in
            contact.reconnection.standBy(behind: link)
            contact.fencedBy = nil
        }
        outbox.append(.note(.sameVerifier(endpoint: endpoint, as: other)))
    }

    /// A link ended: addresses that stood by for it are tried again.
    private mutating func wake(behind id: LinkID, now: Instant) {
        for endpoint in contacts.keys where contacts[endpoint]?.reconnection.state == .standingBy(behind: id) {
            let jitter = random.nextUnit()
            contacts.update(endpoint) { $0.reconnection.wake(jitter: jitter, now: now) }
        }
    }

    private mutating func endIfRefused(_ fault: LinkFault) {
        let areAllRefusing = contacts.values.allSatisfy { contact in
            if case .refused = contact.reconnection.state { true } else { false }
        }
        if !contacts.isEmpty, areAllRefusing { outbox.append(.refused(fault)) }
    }

    mutating func receive(_ message: Message, from id: LinkID, now: Instant) {
        switch message {
        case .open(let open): self.open(open, on: id, now: now)
        case .base(let part): append(part, on: id, now: now)
        case .verdict(let verdict): follow(verdict, on: id, now: now)
        case .features(let features): take(features, on: id, now: now)
        case .close(let close):
            arriving.removeAll { $0.link == id && $0.open.request == close.request }
            if PlantedBug.closedSessionKept.isPlanted { break }
            if let session = session(close.request, on: id) { sessions[session] = nil }
        case .drain(let drain):
            guard let endpoint = links[id]?.endpoint else { return }
            outbox.append(.note(.verifierDraining(endpoint: endpoint, reason: drain.reason)))
        case .verifying(let verifying):
            guard isWhole(verifying.request, before: .verifying, on: id, now: now) else { return }
            if let session = session(verifying.request, on: id) {
                sessions.update(session) { $0.follow(verifying) }
            }
        default:
            // The link's machine delivers nothing else to a worker.
            break
        }
    }
}
