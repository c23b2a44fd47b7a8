import PacelineSpeculation
import PacelineWire

extension VerifierMachine: LinkOwner {
    /// Takes a connection in, or refuses it with a reason when there are too many.
    mutating func accept(_ id: LinkID, from host: String, _ nonce: LinkNonce, now: Instant) {
        let fromHost = links.values.count { $0.host == host }
        links.add(id, .verifier(identity), Link(host: host), now: now)
        handle(.connected(nonce), on: id, now: now)
        if fromHost >= configuration.connectionsPerHost {
            abort(id, .overloaded("\(host) has \(fromHost) connections"), now: now)
        }
        turnAwayCrowd(now: now)
    }

    /// If too many connections have not finished their handshake, ends the oldest of the host with the most of them. So
    /// a flood blocks itself, and a worker from elsewhere still gets through.
    private mutating func turnAwayCrowd(now: Instant) {
        let pending = zip(links.keys, links.values).filter { $0.1.worker == nil }.map { (id: $0.0, host: $0.1.host) }
        guard pending.count > configuration.pendingLimit else { return }
        let crowds = Dictionary(grouping: pending, by: \.host)
        let largest = crowds.values.map(\.count).max()
        guard let oldest = pending.first(where: { crowds[$0.host]?.count == largest }) else { return }
        let reason = "\(pending.count) connections have not finished their handshake"
        abort(oldest.id, .overloaded(reason), now: now)
    }

    mutating func act(_ action: LinkAction, on id: LinkID) {
        outbox.append(.link(id, action))
    }

    mutating func join(_ id: LinkID, _ peer: LinkPeer, now: Instant) {
        let connected = links.values.count { $0.worker != nil }
        guard connected < configuration.workerLimit else {
            return abort(id, .overloaded("\(connected) workers are connected"), now: now)
        }
        for other in links.keys where links[other]?.worker?.peer.incarnation == peer.incarnation {
            if PlantedBug.twinLinkKept.isPlanted { break }
            abort(other, .superseded, now: now)
        }
        let host = links.update(id) { $0.host } ?? ""
        let stranger = WorkerProfile(doubt: configuration.restsDrafting ? reputation.doubt(of: host, now: now) : 0)
        let profile = archive.take(peer.incarnation, stranger: stranger)
        links.update(id) { $0.worker = WorkerRecord(peer: peer, profile: profile) }
        ledger.join(id)
        outbox.append(.note(.workerJoined(id, peer)))
        rebalance(now: now)
    }

    mutating func leave(_ id: LinkID, _ link: Link, _ fault: LinkFault, now: Instant) {
        outbox.append(.note(.linkClosed(id, name: link.worker?.peer.name, fault)))
        guard var worker = link.worker else { return }
        if worker.conduct.isDismissed { worker.profile.distrust() }
        reputation.blame(link.host, doubt: worker.profile.performance.doubt, now: now)
        archive.keep(worker.profile, of: worker.peer.incarnation)
        statistics.depart(snapshot(of: worker, id: id, isConnected: false))
        for request in ledger.requests(of: id) {
            running.update(request) { $0.drop(id) }
        }
        ledger.leave(id)
        rebalance(now: now)
    }

    mutating func receive(_ message: Message, from id: LinkID, now: Instant) {
        switch message {
        case .tree(let tree): receive(tree, from: id, now: now)
        case .close(let close): giveUp(close, by: id, now: now)
        case .drain(let drain):
            let isRepeated = links.update(id) { link -> Bool in
                defer { link.worker?.isDraining = true }
                return link.worker?.isDraining ?? true
            }
            guard isRepeated == false else { return strike(id, now: now) }
            outbox.append(.note(.workerDraining(id, reason: drain.reason)))
            takeBack(from: id, now: now)
        default:
            // The link's machine delivers nothing else to a verifier.
            abort(id, .unexpected(message.type, state: "verifying"), now: now)
        }
    }

    private mutating func receive(_ tree: Message.Tree, from id: LinkID, now: Instant) {
        let request = RequestID(rawValue: tree.request)
        guard pays(for: tree, from: id) else {
            statistics.count(.flooded)
            let reason = "the worker sends more than anybody has use for"
            return refuse(request, from: id, reason: reason, now: now)
        }
        // A tree for a finished request is not the worker's mistake: the Close was on its way.
        let receipt = ledger.hear(from: id, of: request).flatMap { ceiling in
            running.update(request) { $0.receive(tree, from: id, ceiling: ceiling) }
        }
        links.update(id) { $0.worker?.profile.pace.heard(isFinal: tree.isFinal, now: now) }
        statistics.count(receipt ?? .stale)
        switch receipt ?? .stale {
        case .current, .rerooted:
            noteArrival(for: request, from: id, now: now)
        case .stale:
            ledger.recordStaleTree(from: id)
        case .overCredit: refuse(request, from: id, reason: "it exceeds the worker's credit", now: now)
        case .invalid(let reason): refuse(request, from: id, reason: reason, now: now)
        case .flooded: break
        }
    }

    /// Whether a worker may still send a tree. False too for one that has just been dismissed.
    private mutating func pays(for tree: Message.Tree, from id: LinkID) -> Bool {
        if let isPaid = ledger.pay(for: tree, from: id) { return isPaid }
        return links.update(id) { $0.worker?.conduct.allowsStray(tree) ?? false } ?? false
    }

    /// Ignores a tree that breaks a rule.
    private mutating func refuse(_ request: RequestID, from id: LinkID, reason: String, now: Instant) {
        guard links.update(id, { _ in true }) ?? false else { return }
        outbox.append(.note(.treeRefused(id, request, reason: reason)))
        strike(id, now: now)
    }

    /// A worker broke a rule that it may break now and then.
    private mutating func strike(_ id: LinkID, now: Instant) {
        guard links.update(id, { $0.worker?.conduct.strike(now: now) ?? false }) ?? false else { return }
        statistics.countDismissal()
        abort(id, .violation("the worker broke rules more than \(WorkerConduct.limit) times in a row"), now: now)
    }

    /// A worker is leaving: from the next pass on nothing of it is planned with, and others draft in its place.
    private mutating func takeBack(from id: LinkID, now: Instant) {
        for request in ledger.requests(of: id) {
            close(request, at: id, .reassigned, now: now)
        }
        rebalance(now: now)
    }

    /// The worker will not draft for a request.
    private mutating func giveUp(_ close: Message.Close, by id: LinkID, now: Instant) {
        let request = RequestID(rawValue: close.request)
        guard ledger.isOpen(request, at: id) else { return }
        // It may have given up an earlier opening, and would keep the present one for ever.
        self.close(request, at: id, .reassigned, now: now)
        ledger.refuse(request, at: id)
        outbox.append(.note(.workerGaveUp(id, request, close.reason, detail: close.detail)))
        rebalance(now: now)
    }
}
