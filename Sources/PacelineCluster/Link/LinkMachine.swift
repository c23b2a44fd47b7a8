package import NIOCore
import PacelineSpeculation
package import PacelineWire

/// One end of a connection between a worker and a verifier, from first byte to last: framing, handshake, heartbeats,
/// back-pressure and why it ended. A value without I/O: bytes in, bytes out.
///
/// The peer is alive as long as bytes arrive. This side sends and answers pings only while its compute thread is alive
/// (``Command/work(isAlive:)``). So a process whose arithmetic hangs falls as silent as a stopped one, although its
/// event loop still turns.
package struct LinkMachine: Sendable {
    /// What the link's owner tells it to do.
    package enum Command: Sendable {
        case send(Message)
        /// The compute thread of this process came to life or stalled.
        case work(isAlive: Bool)
        /// ``LinkMachine/deadline`` has come.
        case timer
        /// This side gives the link up.
        case abort(LinkFault)
    }

    package enum Effect: Sendable, Equatable {
        case write(ByteBuffer)
        /// The handshake is over.
        case established(LinkPeer)
        /// A message for the machine that owns the link: never part of the handshake, never a heartbeat.
        case deliver(Message)
        /// Stop reading from the transport, which slows the peer down. Bytes that it has read already may still come.
        case pauseReading
        case resumeReading
        /// The link is over. Close the transport when everything written has left, or soon if that takes long.
        case close(LinkFault)
    }

    enum State: Equatable {
        case idle
        case awaitingHello
        /// The worker with this hello has been asked to prove itself.
        case awaitingProof(Message.Hello, version: Int)
        /// `challenged`: this worker has proven itself and waits for the verifier's proof.
        case awaitingWelcome(challenged: Bool)
        case established(LinkPeer)
        case closed

        /// What should have come, for faults.
        var words: String {
            switch self {
            case .idle, .awaitingHello: "a hello was due"
            case .awaitingProof: "an authenticate was due"
            case .awaitingWelcome(challenged: false): "a welcome or a challenge was due"
            case .awaitingWelcome: "a welcome was due"
            case .established: "the handshake was long over"
            case .closed: "the link was closed"
            }
        }
    }

    package let configuration: LinkConfiguration
    let side: LinkSide
    var state = State.idle
    var codec = LinkCodec()
    var liveness: LinkLiveness
    var transcript = HandshakeTranscript()
    /// This side's random bytes for the handshake.
    var nonce: LinkNonce?
    var inbound: InboundWindow
    private var outbound = OutboundWindow()
    /// Requests that the peer has not been told about in full.
    private var openings = BaseSender()
    /// When an unfinished handshake ends the link.
    private var handshakeDeadline: Instant?
    var outbox = Outbox<Effect>()

    package init(side: LinkSide, configuration: LinkConfiguration) {
        self.side = side
        self.configuration = configuration
        liveness = LinkLiveness(configuration: configuration)
        inbound = InboundWindow(configuration: configuration)
    }

    /// The peer; nil until the handshake is over.
    package var peer: LinkPeer? {
        if case .established(let peer) = state { peer } else { nil }
    }

    /// How long bytes take to the peer and back; nil before the first heartbeat.
    var roundTrip: Duration? { liveness.roundTrip }

    package var isClosed: Bool { state == .closed }

    /// Whether a request was opened and its base is still on its way to the transport.
    func isOpening(_ request: UInt64) -> Bool { openings.contains(request) }

    /// Whether few bytes wait for the transport, so that features, which are large, may join them.
    var hasRoomForFeatures: Bool { outbound.bytes < configuration.featureWindow }

    /// When a ``Command/timer`` is due.
    package var deadline: Instant? {
        guard state != .closed else { return nil }
        let writes = outbound.deadline(after: configuration.writeTimeout)
        // Without an array, which every event on every link would allocate.
        return .earlier(.earlier(handshakeDeadline, liveness.deadline), .earlier(writes, inbound.resumesAt))
    }

    package mutating func handle(_ event: LinkEvent, now: Instant) -> [Effect] {
        step { link throws(LinkFault) in try link.advance(event, now: now) }
    }

    package mutating func handle(_ command: Command, now: Instant) -> [Effect] {
        step { link throws(LinkFault) in try link.advance(command, now: now) }
    }

    /// Takes a step; a fault ends the link.
    private mutating func step(_ body: (inout LinkMachine) throws(LinkFault) -> Void) -> [Effect] {
        guard state != .closed else { return [] }
        do {
            try body(&self)
        } catch {
            close(error)
        }
        return outbox.take()
    }

    private mutating func advance(_ event: LinkEvent, now: Instant) throws(LinkFault) {
        switch event {
        case .connected(let nonce):
            handshakeDeadline = now + configuration.handshakeTimeout
            try beginHandshake(nonce, now: now)
        case .received(let bytes):
            try receive(bytes, now: now)
        case .flushed(let bytes):
            outbound.flushed(bytes, now: now)
            try sendBases(now: now)
        case .unreachable(let failure):
            throw .unreachable(failure)
        case .disconnected(let reason):
            throw .disconnected(reason: reason)
        case .distrusted(let reason):
            throw .authenticationFailed(.transport(reason))
        }
    }

    private mutating func advance(_ command: Command, now: Instant) throws(LinkFault) {
        switch command {
        case .send(let message):
            guard peer != nil else { return }
            try send(message, now: now)
        case .work(let isAlive):
            for message in liveness.work(isAlive: isAlive, now: now, lastReceived: codec.lastReceived) {
                try write(message, now: now)
            }
        case .timer:
            try tick(now: now)
        case .abort(let fault):
            throw fault
        }
    }

    private mutating func tick(now: Instant) throws(LinkFault) {
        if let handshakeDeadline, now >= handshakeDeadline {
            throw .handshakeTimedOut(after: configuration.handshakeTimeout)
        }
        if let stalled = outbound.stalled(now: now), stalled >= configuration.writeTimeout {
            throw .writeStalled(for: stalled)
        }
        if let ping = try liveness.tick(now: now, lastReceived: codec.lastReceived) {
            try write(ping, now: now)
        }
        if inbound.isDue(now: now) { try readOn(now: now) }
    }
}

extension LinkMachine {
    /// The handshake is over for this side.
    mutating func establish(_ peer: LinkPeer, now: Instant) {
        state = .established(peer)
        handshakeDeadline = nil
        transcript = HandshakeTranscript()
        codec.handshakeEnded(with: peer)
        liveness.start(heartbeat: peer.heartbeat, deadAfter: peer.deadAfter, now: now)
        outbox.append(.established(peer))
    }

    private mutating func send(_ message: Message, now: Instant) throws(LinkFault) {
        switch message {
        case .open(let open):
            openings.add(open)
            try sendBases(now: now)
        case .close(let close):
            if !PlantedBug.openingSentAfterClose.isPlanted { openings.cancel(close.request) }
            try write(message, now: now)
        default:
            try write(message, now: now)
        }
    }

    /// The other side forgot a request, or this one did.
    mutating func cancelOpening(_ request: UInt64) {
        openings.cancel(request)
    }

    /// Sends as much of the waiting bases as the peer has room for. The rest follows as the peer reads.
    private mutating func sendBases(now: Instant) throws(LinkFault) {
        guard !openings.isEmpty, let peer else { return }
        let part = peer.basePart(limit: configuration.basePart)
        while outbound.bytes < configuration.baseWindow, let message = openings.next(part: part) {
            try write(message, now: now)
        }
    }

    /// - Returns: the bytes as they travel.
    @discardableResult
    mutating func write(_ message: Message, now: Instant) throws(LinkFault) -> ByteBuffer {
        let bytes = try codec.encode(message)
        outbound.wrote(bytes.readableBytes, now: now)
        guard outbound.bytes <= configuration.outboundLimit else {
            throw .outboundOverflow(bytes: outbound.bytes, limit: configuration.outboundLimit)
        }
        outbox.append(.write(bytes))
        return bytes
    }

    private mutating func close(_ fault: LinkFault) {
        if let code = fault.reportedCode {
            let reason = String(decoding: fault.description.utf8.prefix(WireLimits.reasonBytes - 8), as: UTF8.self)
            let farewell = Message.fault(Message.Fault(code: code, reason: reason))
            if let bytes = try? codec.encode(farewell) { outbox.append(.write(bytes)) }
        }
        state = .closed
        outbox.append(.close(fault))
    }
}
