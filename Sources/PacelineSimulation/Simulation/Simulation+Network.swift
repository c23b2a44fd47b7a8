import NIOCore
import PacelineCluster

extension Simulation {
    /// As the shell's: how long the last bytes of a closed link may take to leave.
    private static var lingering: Duration { .milliseconds(500) }
    /// Pieces that one delivery hands over at most before others have their turn.
    private static var burst: Int { 64 }

    /// A connection request has come through to a verifier's kernel.
    ///
    /// - Returns: the connection; nil if nobody listens.
    @discardableResult
    func establish(_ client: Connection.Client, with verifier: Int) -> Int? {
        if case .worker(let index, let life, let link) = client {
            guard workers[index].state.life == life, !workers[index].state.isDead else { return nil }
            guard !verifiers[verifier].state.isDead else {
                tell(index, life: life, .disconnected(link, reason: "connection refused"))
                return nil
            }
        }
        guard !verifiers[verifier].state.isDead else { return nil }
        verifiers[verifier].linkCount += 1
        let verifierLink = LinkID(rawValue: verifiers[verifier].linkCount)
        let life = verifiers[verifier].state.life
        connectionCount += 1
        let id = connectionCount
        connections[id] = Connection(
            client: client,
            verifier: verifier,
            verifierLife: life,
            verifierLink: verifierLink
        )
        connectionOfVerifierLink[VerifierLinkKey(verifier: verifier, life: life, link: verifierLink)] = id
        if case .worker(let index, _, let link) = client {
            workers[index].connections[link] = id
            blame.isHonest(VerifierLinkKey(verifier: verifier, life: life, link: verifierLink))
        }
        push(.opened, to: .verifier, on: id)
        push(.opened, to: .worker, on: id)
        return id
    }

    private func push(_ piece: Lane.Piece, to side: Connection.Side, on id: Int) {
        connections[id]?[to: side].push(piece, scenario.network, bytes: 0, now: now, random: &random)
        scheduleDelivery(id, to: side)
    }

    /// A side's application writes.
    func send(_ bytes: ByteBuffer, from side: Connection.Side, on id: Int) {
        guard let connection = connections[id], !connection.isClosed(side) else { return }
        mark(UInt64(bytes.readableBytes))
        connections[id]?[to: side.other].write(bytes)
        depart(id, from: side)
        checkOutbox(of: id, side)
    }

    /// Moves what it can onto the wire, and tells the sender what has left.
    private func depart(_ id: Int, from side: Connection.Side) {
        let left = connections[id]?[to: side.other].depart(scenario.network, now: now, random: &random)
        scheduleDelivery(id, to: side.other)
        for count in left ?? [] {
            hand(Tidings.flushed(count), to: side, of: id)
        }
    }

    /// A side's application is done with the connection.
    func close(_ id: Int, _ side: Connection.Side) {
        guard let connection = connections[id], !connection.isClosed(side) else { return }
        noteEnd(of: id, side)
        connections[id]?.close(side)
        forgetLink(of: connection, side)
        connections[id]?[to: side.other].finish()
        depart(id, from: side)
        if connections[id]?[to: side.other].isDrained == false {
            schedule(.linger(id, side), after: Self.lingering)
        }
        removeIfGone(id)
    }

    /// The last bytes have had their time to leave.
    func stopLingering(_ id: Int, _ side: Connection.Side) {
        guard connections[id]?[to: side.other].isDrained == false else { return }
        breakOff(id, toward: side.other, "connection reset by peer")
    }

    /// Ends one direction with an error; what is on its way is lost.
    func breakOff(_ id: Int, toward side: Connection.Side, _ reason: String) {
        let delay = scenario.network.latency + random.duration(below: scenario.network.jitter)
        connections[id]?[to: side].reset(reason, at: now + delay)
        scheduleDelivery(id, to: side)
    }

    func scheduleDelivery(_ id: Int, to side: Connection.Side) {
        guard let connection = connections[id], !connection[to: side].isDeliveryScheduled,
            let at = connection[to: side].nextArrival
        else { return }
        connections[id]?[to: side].isDeliveryScheduled = true
        queue.schedule(.deliver(id, side), at: max(at, now))
    }

    /// Hands over what has arrived, unless the way is cut or the receiver stands still.
    func deliver(_ id: Int, to side: Connection.Side) {
        connections[id]?[to: side].isDeliveryScheduled = false
        for _ in 0..<Self.burst {
            guard violation == nil, let connection = connections[id], canReceive(connection, side),
                let piece = connections[id]?[to: side].take(now: now)
            else { break }
            hand(piece, to: side, of: id)
        }
        guard let connection = connections[id], canReceive(connection, side) else { return }
        scheduleDelivery(id, to: side)
    }

    private func canReceive(_ connection: Connection, _ side: Connection.Side) -> Bool {
        guard !connection[to: side].isBlackHole else { return false }
        if let worker = connection.worker, workers[worker].isCut(to: side) { return false }
        if case .worker(let index, let life, _) = connection.client, side == .worker {
            guard workers[index].state.life == life else { return true }
            return workers[index].state.isRunning || workers[index].state.isDead
        }
        guard side == .verifier, verifiers[connection.verifier].state.life == connection.verifierLife else {
            return true
        }
        return verifiers[connection.verifier].state.isRunning || verifiers[connection.verifier].state.isDead
    }

    private func hand(_ piece: Lane.Piece, to side: Connection.Side, of id: Int) {
        guard let connection = connections[id] else { return }
        switch piece {
        case .opened:
            connections[id]?.open(side)
            hand(Tidings.opened, to: side, of: id)
        case .bytes(let bytes):
            mark(
                UInt64(bytes.readableBytes) ^ UInt64(bytes.getInteger(at: bytes.readerIndex, as: UInt8.self) ?? 0) << 32
            )
            acknowledge(bytes.readableBytes, connection, id, side)
            let wasSound = !connection[to: side].watch.isPoisonDelivered
            let mustHaveNoticed = connections[id]?[to: side].watch.deliver(bytes.readableBytes) ?? false
            if wasSound, connections[id]?[to: side].watch.isPoisonDelivered == true { notePoison(id, side) }
            hand(Tidings.received(bytes), to: side, of: id)
            if mustHaveNoticed { checkNoticed(id, side) }
        case .end: hand(Tidings.disconnected(nil), to: side, of: id)
        case .reset(let reason): hand(Tidings.disconnected(reason), to: side, of: id)
        }
        if piece.isEnd, connections[id]?.isClosed(side) == false {
            // The shell closes its own side then.
            close(id, side)
        }
    }

    private func acknowledge(_ bytes: Int, _ connection: Connection, _ id: Int, _ side: Connection.Side) {
        let isReported = connection.worker.map { !workers[$0].isCut(to: side.other) } ?? true
        let mayWait = connection[to: side].isDrained
        connections[id]?[to: side].acknowledge(bytes, isReported: isReported)
        if !mayWait, isReported { depart(id, from: side.other) }
    }

    /// What a side's application is told.
    private enum Tidings {
        case opened
        case received(ByteBuffer)
        case flushed(Int)
        case disconnected(String?)
    }

    private func hand(_ tidings: Tidings, to side: Connection.Side, of id: Int) {
        guard let connection = connections[id], !connection.isClosed(side) else { return }
        switch (side, connection.client) {
        case (.verifier, _): handVerifier(tidings, connection)
        case (.worker, .worker(let index, let life, let link)):
            let event: WorkerMachine.Event =
                switch tidings {
                case .opened: .connected(link, LinkNonce(using: &nonces))
                case .received(let bytes): .received(link, bytes)
                case .flushed(let count): .flushed(link, bytes: count)
                case .disconnected(let reason): .disconnected(link, reason: reason)
                }
            tell(index, life: life, event)
        case (.worker, .byzantine(let index)):
            if case .received(let bytes) = tidings { byzantines[index].receive(bytes) }
            if case .disconnected = tidings { byzantines[index].connection = nil }
        case (.worker, .stranger): break
        }
    }

    private func handVerifier(_ tidings: Tidings, _ connection: Connection) {
        guard verifiers[connection.verifier].state.life == connection.verifierLife else { return }
        let link = connection.verifierLink
        let event: VerifierMachine.Event =
            switch tidings {
            case .opened: .accepted(link, LinkArrival(host: connection.client.host, nonce: LinkNonce(using: &nonces)))
            case .received(let bytes): .received(link, bytes)
            case .flushed(let count): .flushed(link, bytes: count)
            case .disconnected(let reason): .disconnected(link, reason: reason)
            }
        tellVerifier(connection.verifier, event)
    }

    private func forgetLink(of connection: Connection, _ side: Connection.Side) {
        switch (side, connection.client) {
        case (.verifier, _):
            let key = VerifierLinkKey(
                verifier: connection.verifier,
                life: connection.verifierLife,
                link: connection.verifierLink
            )
            connectionOfVerifierLink[key] = nil
        case (.worker, .worker(let index, let life, let link)):
            if workers[index].state.life == life { workers[index].connections[link] = nil }
        case (.worker, .byzantine(let index)): byzantines[index].connection = nil
        case (.worker, .stranger): break
        }
    }

    /// Forgets a connection that both applications are done with and on which nothing is left to arrive.
    private func removeIfGone(_ id: Int) {
        guard let connection = connections[id], connection.isGone else { return }
        connections[id] = nil
    }
}

extension Simulation {
    /// Sets both directions of a connection going again after something held them up.
    func pump(_ id: Int) {
        for side in [Connection.Side.worker, .verifier] {
            scheduleDelivery(id, to: side)
            depart(id, from: side)
        }
    }
}
