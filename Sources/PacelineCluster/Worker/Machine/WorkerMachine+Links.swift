import PacelineSpeculation
import PacelineWire

extension WorkerMachine: LinkOwner {
    mutating func act(_ action: LinkAction, on id: LinkID) {
        outbox.append(.link(id, action))
    }

    mutating func join(_ id: LinkID, _ peer: LinkPeer, now: Instant) {
        guard let endpoint = links[id] else { return }
        endpoints[endpoint].established(now: now)
        outbox.append(.note(.joined(endpoint: endpoint, peer)))
    }

    mutating func leave(_ id: LinkID, _ endpoint: Int, _ fault: LinkFault, now: Instant) {
        for session in sessions.keys where sessions[session]?.link == id {
            sessions[session] = nil
        }
        arriving.removeAll { $0.link == id }
        guard !isShutDown else { return }
        let retry = endpoints[endpoint].ended(fault, jitter: random.nextUnit(), now: now)
        outbox.append(.note(.linkClosed(endpoint: endpoint, fault, retry: retry)))
        let refusals = endpoints.compactMap { if case .refused(let fault) = $0.state { fault } else { nil } }
        if refusals.count == endpoints.count { outbox.append(.refused(fault)) }
    }

    mutating func receive(_ message: Message, from id: LinkID, now: Instant) {
        switch message {
        case .open(let open): self.open(open, on: id, now: now)
        case .base(let part): append(part, on: id, now: now)
        case .verdict(let verdict): follow(verdict, on: id, now: now)
        case .close(let close):
            arriving.removeAll { $0.link == id && $0.open.request == close.request }
            if let session = session(close.request, on: id) { sessions[session] = nil }
        case .drain(let drain):
            guard let endpoint = links[id] else { return }
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
