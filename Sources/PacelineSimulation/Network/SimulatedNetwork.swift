import NIOCore
import PacelineCluster
import PacelineSpeculation
import PacelineWire

/// The connections between processes: when bytes arrive, who gets them, and what faults do to them.
final class SimulatedNetwork {
    typealias Side = SimulatedConnection.Side

    /// As in production: how long a worker waits for a connection to come up.
    private static let connectTimeout = Duration.seconds(2)
    /// The most pieces that one delivery hands over before others get their turn.
    private static let burst = 64

    private let settings: Scenario.Network
    /// Bytes that a link may leave unsent.
    private let outboundLimit: Int
    private let timeline: Timeline
    private let journal: Journal
    private let corruption: CorruptionCheck
    /// By their numbers, those that are over left out.
    private var connections: [SimulatedConnection?] = []
    /// The numbers of those that are not over, ascending.
    private var live: [Int] = []
    /// Frames that clients and their verifiers have sent each other, if some come again.
    private var recordings: Recordings?
    /// Directions in which a client's host is cut off.
    private var cuts: [ObjectIdentifier: Set<Side>] = [:]

    init(_ context: SimulationContext, _ corruption: CorruptionCheck) {
        settings = context.scenario.network
        outboundLimit = context.scenario.link.outboundLimit
        timeline = context.timeline
        journal = context.journal
        self.corruption = corruption
        if context.scenario.faults.contains(.replay) { recordings = Recordings() }
    }

    /// Whether a verifier still holds a connection over which nothing gets through any more.
    var hasDeadConnection: Bool { live.contains { connections[$0]?.isHeldDead == true } }

    /// The run is over.
    func finish() {
        for id in live {
            noteEnd(of: id, .worker)
            noteEnd(of: id, .verifier)
        }
    }

    private func noteEnd(of id: Int, _ side: Side) {
        if let connection = connections[id] { corruption.ended(id, connection, side) }
    }

    private func makeTrip() -> Duration {
        settings.latency + timeline.random.duration(below: settings.jitter)
    }
}

// MARK: - Opening

extension SimulatedNetwork {
    /// A worker asks for a connection to a verifier.
    func dial(_ verifier: VerifierProcess, from worker: WorkerProcess, as link: LinkID) {
        let life = worker.life
        let trip = makeTrip()
        func refuse(after delay: Duration, _ reason: String) {
            timeline.schedule(after: delay) { [unowned worker] in
                if worker.life == life { worker.receive(.disconnected(reason: reason), on: link) }
            }
        }
        if cuts[ObjectIdentifier(worker)]?.isEmpty == false {
            refuse(after: Self.connectTimeout, "connecting timed out")
        } else if verifier.isDead {
            refuse(after: trip * 2, "connection refused")
        } else {
            timeline.schedule(after: trip) { [unowned self, unowned worker, unowned verifier] in
                guard worker.life == life, !worker.isDead else { return }
                guard !verifier.isDead else {
                    return worker.receive(.disconnected(reason: "connection refused"), on: link)
                }
                worker.hold(establish(worker, as: link, with: verifier), as: link)
            }
        }
    }

    /// Joins a client, whose request has come through, to a verifier that runs or is stopped.
    @discardableResult
    func establish(_ client: any ConnectionOwner, as link: LinkID, with verifier: VerifierProcess) -> Int {
        let id = connections.count
        let connection = SimulatedConnection(
            client: SimulatedConnection.End(owner: client, life: client.life, link: link),
            server: SimulatedConnection.End(owner: verifier, life: verifier.life, link: verifier.accept(id))
        )
        connections.append(connection)
        live.append(id)
        if connection.isHonest { corruption.opened(connection) }
        for side in [Side.verifier, .worker] {
            connection[to: side].push(.opened, settings, bytes: 0, now: timeline.now, random: &timeline.random)
            scheduleDelivery(id, to: side)
        }
        return id
    }
}

// MARK: - Sending and closing

extension SimulatedNetwork {
    /// A side's application writes.
    func send(_ bytes: ByteBuffer, from side: Side, on id: Int) {
        guard let connection = connections[id], !connection.isClosed(side) else { return }
        journal.mark(UInt64(bytes.readableBytes))
        journal.statistics.linkBytes += bytes.readableBytes
        journal.note(
            "frame",
            from: connection[end: side].owner.host,
            to: connection[end: side.other].owner.host,
            Self.label(bytes)
        )
        recordings?.record(bytes, of: connection.client.owner, to: side.other, on: id)
        connection[to: side.other].write(bytes)
        depart(connection, id, from: side)
        if connections[id] != nil { checkOutbox(of: connection[to: side.other]) }
    }

    /// What a frame carries, for people.
    private static func label(_ frame: ByteBuffer) -> String {
        FrameHeader(lookingAt: frame).map { "\($0.type)" } ?? "\(frame.readableBytes) bytes"
    }

    private func checkOutbox(of lane: Lane) {
        let bytes = lane.outboxBytes
        // The frame that exceeds the limit is not written, but the farewell is.
        if bytes > outboundLimit + WireLimits.handshakePayload {
            journal.fail(.caps, "\(bytes) bytes wait for a peer that takes none")
        }
    }

    /// Moves what the window allows onto the wire, and tells the sender what has left.
    private func depart(_ connection: SimulatedConnection, _ id: Int, from side: Side) {
        guard connections[id] != nil else { return }
        let left = connection[to: side.other].depart(settings, now: timeline.now, random: &timeline.random)
        scheduleDelivery(connection, id, to: side.other)
        for count in left {
            tell(.flushed(count), to: side, of: id)
        }
    }

    /// A side closes the connection.
    func close(_ id: Int, _ side: Side) {
        guard let connection = connections[id], !connection.isClosed(side) else { return }
        noteEnd(of: id, side)
        connection.close(side)
        let end = connection[end: side]
        if end.isCurrent { end.owner.forget(end.link) }
        connection[to: side.other].finish()
        depart(connection, id, from: side)
        if connections[id]?[to: side.other].isDrained == false {
            timeline.schedule(after: LinkTransport.lingering) { [unowned self] in stopLingering(id, side) }
        }
        if connections[id]?.isGone == true { remove(id) }
    }

    private func remove(_ id: Int) {
        connections[id] = nil
        if let place = live.firstIndex(of: id) { live.remove(at: place) }
    }

    /// The last bytes have had enough time to leave.
    private func stopLingering(_ id: Int, _ side: Side) {
        guard connections[id]?[to: side.other].isDrained == false else { return }
        reset(id, toward: side.other)
    }

    /// Ends one direction with an error; what is on its way is lost.
    private func reset(_ id: Int, toward side: Side) {
        let trip = makeTrip()
        connections[id]?[to: side].reset("connection reset by peer", at: timeline.now + trip)
        scheduleDelivery(id, to: side)
    }

    /// Ends one direction in order; what is on its way is lost but for a share of the next piece.
    private func cut(_ id: Int, toward side: Side, keeping share: Double) {
        connections[id]?[to: side].cut(keeping: share, at: timeline.now + settings.latency)
        scheduleDelivery(id, to: side)
    }
}

// MARK: - Arriving

extension SimulatedNetwork {
    private func scheduleDelivery(_ id: Int, to side: Side) {
        if let connection = connections[id] { scheduleDelivery(connection, id, to: side) }
    }

    private func scheduleDelivery(_ connection: SimulatedConnection, _ id: Int, to side: Side) {
        let lane = connection[to: side]
        guard !lane.isDeliveryScheduled, let at = lane.nextArrival, connections[id] != nil else { return }
        lane.isDeliveryScheduled = true
        timeline.schedule(at: max(at, timeline.now)) { [unowned self] in deliver(id, to: side) }
    }

    /// Hands over what has arrived, unless the way is cut or the receiver is stopped.
    private func deliver(_ id: Int, to side: Side) {
        guard let connection = connections[id] else { return }
        let lane = connection[to: side]
        lane.isDeliveryScheduled = false
        for _ in 0..<Self.burst {
            guard !journal.isBroken, connections[id] != nil, canReceive(connection, side),
                let piece = lane.take(now: timeline.now)
            else { break }
            hand(piece, to: side, connection, id)
        }
        guard connections[id] != nil, canReceive(connection, side) else { return }
        scheduleDelivery(connection, id, to: side)
    }

    private func canReceive(_ connection: SimulatedConnection, _ side: Side) -> Bool {
        !connection[to: side].isBlackHole && !isCut(connection, to: side) && !connection.isStopped(side)
    }

    private func isCut(_ connection: SimulatedConnection, to side: Side) -> Bool {
        !cuts.isEmpty && cuts[ObjectIdentifier(connection.client.owner)]?.contains(side) == true
    }

    private func hand(_ piece: Lane.Piece, to side: Side, _ connection: SimulatedConnection, _ id: Int) {
        switch piece {
        case .opened:
            connection.open(side)
            tell(.opened(peer: connection[end: side.other].owner.host), to: side, of: id)
        case .bytes(let bytes): hand(bytes, to: side, connection, id)
        case .end: tell(.disconnected(reason: nil), to: side, of: id)
        case .reset(let reason): tell(.disconnected(reason: reason), to: side, of: id)
        }
        // As in production.
        if piece.isEnd { close(id, side) }
    }

    private func hand(_ bytes: ByteBuffer, to side: Side, _ connection: SimulatedConnection, _ id: Int) {
        let first = UInt64(bytes.getInteger(at: bytes.readerIndex, as: UInt8.self) ?? 0)
        journal.mark(UInt64(bytes.readableBytes) ^ first << 32)
        let lane = connection[to: side]
        let wasSound = !lane.watch.isPoisonDelivered
        acknowledge(bytes.readableBytes, connection, id, side)
        let mustHaveNoticed = connections[id] != nil && lane.watch.deliver(bytes.readableBytes)
        if wasSound, lane.watch.isPoisonDelivered, connections[id] != nil {
            corruption.delivered(id, connection, side)
        }
        tell(.received(bytes), to: side, of: id)
        if mustHaveNoticed, connections[id] != nil { corruption.mustBeOver(id, connection, side) }
    }

    private func acknowledge(_ bytes: Int, _ connection: SimulatedConnection, _ id: Int, _ side: Side) {
        let isReported = !isCut(connection, to: side.other)
        let lane = connection[to: side]
        let hasLeft = lane.isDrained
        lane.acknowledge(bytes, isReported: isReported)
        if !hasLeft, isReported { depart(connection, id, from: side.other) }
    }

    private func tell(_ event: ConnectionEvent, to side: Side, of id: Int) {
        guard let connection = connections[id], !connection.isClosed(side) else { return }
        connection.tell(event, to: side)
    }

    /// Sets a process's connections going again after it was held up.
    func pumpConnections(of owner: any ConnectionOwner) {
        for id in live {
            guard let connection = connections[id],
                connection.client.owner === owner || connection.server.owner === owner && connection.server.isCurrent
            else { continue }
            for side in [Side.worker, .verifier] {
                scheduleDelivery(connection, id, to: side)
                depart(connection, id, from: side)
            }
        }
    }
}

// MARK: - Faults

extension SimulatedNetwork {
    /// Lets a fault strike one side of a connection that is up.
    ///
    /// - Returns: whether there was one.
    func strikeConnection(_ kind: FaultKind) -> Bool {
        if kind == .replay { return replay() }
        let open = live.filter { connections[$0]?.isUp == true }
        guard !open.isEmpty else { return false }
        let id = open[timeline.random.next(below: open.count)]
        let side: Side = timeline.random.next(below: 2) == 0 ? .worker : .verifier
        switch kind {
        case .cut:
            for side in [side, side.other] {
                cut(id, toward: side, keeping: timeline.random.nextUnit())
            }
        case .reset:
            reset(id, toward: .worker)
            reset(id, toward: .verifier)
        case .halfOpen:
            connections[id]?[to: .worker].isBlackHole = true
            connections[id]?[to: .verifier].isBlackHole = true
        case .oneWayHalfOpen: halfOpen(id, toward: side)
        case .truncate: connections[id]?[to: side].truncatesNext = true
        case .reorder: connections[id]?[to: side].reordersNext = true
        case .corrupt: connections[id]?[to: side].corruptsNext = 1 + timeline.random.next(below: 3)
        default: connections[id]?[to: side].duplicatesNext = true
        }
        return true
    }

    /// A side hears nothing more; or it does not learn that the other side has lost the connection.
    private func halfOpen(_ id: Int, toward side: Side) {
        connections[id]?[to: side].isBlackHole = true
        if timeline.random.next(below: 2) == 0 { reset(id, toward: side.other) }
    }

    /// Lets a frame of an earlier connection of the same client come once more.
    ///
    /// - Returns: whether there was one.
    private func replay() -> Bool {
        var choices: [(id: Int, side: Side, frame: ByteBuffer)] = []
        for id in live {
            guard let connection = connections[id], connection.isUp else { continue }
            for side in [Side.worker, .verifier] where connection[to: side].isBetweenFrames {
                let frames = recordings?.frames(of: connection.client.owner, to: side, before: id) ?? []
                choices += frames.map { (id, side, $0) }
            }
        }
        guard !choices.isEmpty else { return false }
        let choice = timeline.random.pick(choices)
        connections[choice.id]?[to: choice.side].replay(
            choice.frame,
            settings,
            now: timeline.now,
            random: &timeline.random
        )
        scheduleDelivery(choice.id, to: choice.side)
        return true
    }

    /// Nothing gets through to `sides` of a client's connections any more.
    func cutOff(_ client: any ConnectionOwner, to sides: Set<Side>) {
        cuts[ObjectIdentifier(client), default: []].formUnion(sides)
    }

    /// Everything gets through again, and what was lost is sent again.
    func rejoin(_ client: any ConnectionOwner) {
        guard cuts.removeValue(forKey: ObjectIdentifier(client)) != nil else { return }
        for id in live where connections[id]?.client.owner === client {
            for side in [Side.worker, .verifier] {
                // Segments that were lost are sent again after a time that doubles with each loss.
                let delay = settings.latency + timeline.random.duration(below: .milliseconds(200))
                connections[id]?[to: side].resume(at: timeline.now + delay)
                connections[id]?[to: side].acknowledge(0, isReported: true)
            }
        }
        pumpConnections(of: client)
    }

    /// A client has died; its kernel says so to its peers, unless the whole host is gone.
    func endConnections(ofDead client: any ConnectionOwner, isSilent: Bool) {
        for id in live {
            guard let end = connections[id]?.client, end.owner === client, end.isCurrent else { continue }
            noteEnd(of: id, .worker)
            connections[id]?.close(.worker)
            connections[id]?[to: .verifier].isBlackHole = isSilent
            connections[id]?[to: .worker].isBlackHole = isSilent
            guard !isSilent else { continue }
            if timeline.random.next(below: 2) == 0 {
                reset(id, toward: .verifier)
            } else {
                cut(id, toward: .verifier, keeping: 1)
            }
        }
    }

    /// A verifier has died.
    func resetConnections(ofDead verifier: VerifierProcess) {
        for id in live {
            guard let end = connections[id]?.server, end.owner === verifier, end.isCurrent else { continue }
            noteEnd(of: id, .verifier)
            connections[id]?.close(.verifier)
            reset(id, toward: .worker)
        }
    }
}
