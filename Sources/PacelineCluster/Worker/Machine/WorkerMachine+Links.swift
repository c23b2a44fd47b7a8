import PacelineSpeculation
import PacelineWire

extension WorkerMachine {
    /// Feeds a link's machine and carries its effects on.
    mutating func drive(_ id: LinkID, _ event: LinkMachine.Event, now: Instant) {
        guard let effects = links.update(id, { $0.handle(event, now: now) }) else { return }
        for effect in effects {
            switch effect {
            case .write(let bytes): outbox.append(.write(id, bytes))
            case .established(let peer): join(id, peer, now: now)
            case .deliver(let message): receive(message, from: id, now: now)
            case .pauseReading: outbox.append(.pauseReading(id))
            case .resumeReading: outbox.append(.resumeReading(id))
            case .close(let fault): leave(id, fault, now: now)
            }
        }
    }

    mutating func send(_ message: Message, to id: LinkID, now: Instant) {
        drive(id, .send(message), now: now)
    }

    private func endpoint(of id: LinkID) -> Int? {
        endpoints.firstIndex { $0.link == id }
    }

    private mutating func join(_ id: LinkID, _ peer: LinkPeer, now: Instant) {
        guard let endpoint = endpoint(of: id) else { return }
        endpoints[endpoint].established(id, now: now)
        outbox.append(.note(.joined(endpoint: endpoint, peer)))
        if !isComputeAlive { drive(id, .work(isAlive: false), now: now) }
    }

    private mutating func leave(_ id: LinkID, _ fault: LinkFault, now: Instant) {
        links[id] = nil
        for session in sessions.keys where sessions[session]?.link == id {
            sessions[session] = nil
        }
        arriving.removeAll { $0.link == id }
        outbox.append(.close(id))
        guard !isShutDown, let endpoint = endpoint(of: id) else { return }
        let retry = endpoints[endpoint].ended(fault, jitter: random.nextUnit(), now: now)
        outbox.append(.note(.linkClosed(endpoint: endpoint, fault, retry: retry)))
        let refusals = endpoints.compactMap { if case .refused(let fault) = $0.state { fault } else { nil } }
        if refusals.count == endpoints.count { outbox.append(.refused(fault)) }
    }

    private mutating func receive(_ message: Message, from id: LinkID, now: Instant) {
        switch message {
        case .open(let open): self.open(open, on: id, now: now)
        case .base(let part): append(part, on: id, now: now)
        case .verdict(let verdict): follow(verdict, on: id, now: now)
        case .close(let close):
            arriving.removeAll { $0.link == id && $0.open.request == close.request }
            if let session = session(close.request, on: id) { sessions[session] = nil }
        case .drain(let drain):
            guard let endpoint = endpoint(of: id) else { return }
            outbox.append(.note(.verifierDraining(endpoint: endpoint, reason: drain.reason)))
        case .verifying(let verifying):
            guard isWhole(verifying.request, before: .verifying, on: id, now: now) else { return }
            if let session = session(verifying.request, on: id) {
                _ = sessions.update(session) { $0.follow(verifying) }
            }
        default:
            // The link's machine delivers nothing else to a worker.
            break
        }
    }
}
