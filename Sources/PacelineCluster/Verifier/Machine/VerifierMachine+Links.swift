import NIOCore
import PacelineSpeculation
import PacelineWire

extension VerifierMachine {
    /// Takes a connection in, and refuses one with a reason when too many are at the door.
    mutating func accept(_ id: LinkID, _ arrival: LinkArrival, now: Instant) {
        let fromHost = links.values.count { $0.host == arrival.host }
        let machine = LinkMachine(side: .verifier(identity), configuration: configuration.link)
        links[id] = Link(machine: machine, host: arrival.host, worker: nil)
        drive(id, .connected(arrival.nonce), now: now)
        if !isComputeAlive { drive(id, .work(isAlive: false), now: now) }
        if fromHost >= configuration.connectionsPerHost {
            drive(id, .abort(.overloaded("\(arrival.host) has \(fromHost) connections")), now: now)
        }
        turnAwayCrowd(now: now)
    }

    /// While too many connections have not finished their handshake, ends the oldest of the host that has most of them:
    /// a flood gets in its own way, and a worker from elsewhere still comes through.
    private mutating func turnAwayCrowd(now: Instant) {
        let pending = zip(links.keys, links.values).filter { $0.1.worker == nil }.map { (id: $0.0, host: $0.1.host) }
        guard pending.count > configuration.pendingLimit else { return }
        let crowds = Dictionary(grouping: pending, by: \.host)
        let largest = crowds.values.map(\.count).max()
        guard let oldest = pending.first(where: { crowds[$0.host]?.count == largest }) else { return }
        let reason = "\(pending.count) connections have not finished their handshake"
        drive(oldest.id, .abort(.overloaded(reason)), now: now)
    }

    /// Feeds a link's machine and carries its effects on.
    mutating func drive(_ id: LinkID, _ event: LinkMachine.Event, now: Instant) {
        guard let effects = links.update(id, { $0.machine.handle(event, now: now) }) else { return }
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

    private mutating func join(_ id: LinkID, _ peer: LinkPeer, now: Instant) {
        let connected = links.values.count { $0.worker != nil }
        guard connected < configuration.workerLimit else {
            return drive(id, .abort(.overloaded("\(connected) workers are connected")), now: now)
        }
        for other in links.keys where links[other]?.worker?.peer.incarnation == peer.incarnation {
            drive(other, .abort(.superseded), now: now)
        }
        let profile = archive.take(peer.incarnation)
        _ = links.update(id) { $0.worker = WorkerRecord(peer: peer, profile: profile) }
        ledger.join(id)
        outbox.append(.note(.workerJoined(id, peer)))
        rebalance(now: now)
    }

    private mutating func leave(_ id: LinkID, _ fault: LinkFault, now: Instant) {
        let worker = links[id]?.worker
        links[id] = nil
        outbox.append(.close(id))
        outbox.append(.note(.linkClosed(id, name: worker?.peer.name, fault)))
        guard let worker else { return }
        archive.keep(worker.profile, of: worker.peer.incarnation)
        statistics.depart(snapshot(of: worker, id: id, isConnected: false))
        for request in ledger.requests(of: id) {
            _ = running.update(request) { $0.drop(id) }
        }
        ledger.leave(id)
        rebalance(now: now)
    }

    private mutating func receive(_ message: Message, from id: LinkID, now: Instant) {
        switch message {
        case .tree(let tree): receive(tree, from: id, now: now)
        case .close(let close): giveUp(close, by: id, now: now)
        case .drain(let drain):
            _ = links.update(id) { $0.worker?.isDraining = true }
            outbox.append(.note(.workerDraining(id, reason: drain.reason)))
            rebalance(now: now)
        default:
            // The link's machine delivers nothing else to a verifier.
            drive(id, .abort(.unexpected(message.type, state: "verifying")), now: now)
        }
    }

    private mutating func receive(_ tree: Message.Tree, from id: LinkID, now: Instant) {
        let request = RequestID(rawValue: tree.request)
        // A tree for a request that is over is no mistake of the worker: the Close was on its way.
        let receipt = ledger.hear(from: id, of: request).flatMap { ceiling in
            running.update(request) { $0.receive(tree, from: id, ceiling: ceiling) }
        }
        statistics.count(receipt ?? .stale)
        switch receipt ?? .stale {
        case .current, .rerooted:
            noteArrival(for: request, from: id, now: now)
        case .stale:
            ledger.recordStaleTree(from: id)
        case .overCredit:
            outbox.append(.note(.treeRefused(id, request, reason: "it exceeds the worker's credit")))
        case .invalid(let reason):
            outbox.append(.note(.treeRefused(id, request, reason: reason)))
        }
    }

    /// The worker will not draft for a request.
    private mutating func giveUp(_ close: Message.Close, by id: LinkID, now: Instant) {
        let request = RequestID(rawValue: close.request)
        guard ledger.isOpen(request, at: id) else { return }
        ledger.refuse(request, at: id)
        _ = running.update(request) { $0.drop(id) }
        outbox.append(.note(.workerGaveUp(id, request, close.reason, detail: close.detail)))
        rebalance(now: now)
    }
}
