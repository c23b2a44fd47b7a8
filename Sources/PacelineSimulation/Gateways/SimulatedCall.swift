import NIOCore
import PacelineCluster
import PacelineGateway
import PacelineSpeculation

/// An HTTP call of a gateway to a verifier, on a connection of its own: what one end sends reaches the other in order.
final class SimulatedCall {
    /// A part of the answer.
    enum Piece {
        case head(AnswerHead)
        case bytes(ByteBuffer, tokens: Int)
        case end
        case failure(AttemptFailure)
    }

    /// As in production: how long a gateway waits for a connection to come up.
    private static let connectLimit = Duration.seconds(1)
    /// Tokens that may wait for a gateway that does not read; the production limit is larger and works the same.
    private static let unreadLimit = 16

    let attempt: AttemptID
    let request: ProxyRequestID
    let address: ReplicaAddress
    let call: UpstreamCall
    unowned let verifier: VerifierProcess
    private unowned let gateway: GatewayProcess
    private let route: UpstreamRoute
    private let context: SimulationContext
    /// Who answers it; nil before it has arrived and after its end.
    weak var exchange: SimulatedExchange?
    /// When the latest piece arrives.
    private var lastArrival = Instant.zero
    /// What has arrived and is not read.
    private var unread: [Piece] = []
    private var isPaused = false
    /// Whether the connection has ended, for its gateway.
    private(set) var isOver = false
    /// Pieces that left before the connection was reset are lost.
    private var resets = 0
    /// Whether the gateway's machine does not count it any more.
    var isReleased = false

    init(
        _ attempt: AttemptID,
        of request: ProxyRequestID,
        _ call: UpstreamCall,
        from gateway: GatewayProcess,
        to verifier: VerifierProcess,
        at address: ReplicaAddress,
        over route: UpstreamRoute,
        _ context: SimulationContext
    ) {
        (self.attempt, self.request, self.call, self.address) = (attempt, request, call, address)
        (self.gateway, self.verifier, self.route, self.context) = (gateway, verifier, route, context)
    }

    private var timeline: Timeline { context.timeline }

    // MARK: The gateway's end

    /// Connects, and sends the call.
    func begin() {
        let arrival = route.arrival()
        guard arrival - timeline.now < Self.connectLimit else {
            return timeline.schedule(after: Self.connectLimit) { [weak self] in self?.arrive(.failure(.unreachable)) }
        }
        timeline.schedule(at: arrival) { [weak self] in
            guard let self, !isOver else { return }
            guard !verifier.isDead else { return send(.failure(.unreachable)) }
            verifier.port.accept(self)
        }
    }

    /// The gateway gives it up.
    func abandon() {
        guard !isOver else { return }
        isOver = true
        timeline.schedule(at: route.arrival()) { [weak exchange] in exchange?.leave() }
    }

    /// The gateway does not read until ``resume()``.
    func pause() {
        isPaused = true
    }

    func resume() {
        isPaused = false
        // What waits in a socket is read in one go.
        var gathered = ByteBuffer()
        var count = 0
        for piece in unread {
            if case .bytes(let bytes, let tokens) = piece {
                gathered.writeImmutableBuffer(bytes)
                count += tokens
            }
        }
        let others = unread.filter { if case .bytes = $0 { false } else { true } }
        unread = others
        if gathered.readableBytes > 0 { unread.insert(.bytes(gathered, tokens: count), at: Self.headCount(others)) }
        pump()
    }

    private static func headCount(_ pieces: [Piece]) -> Int {
        if case .head? = pieces.first { 1 } else { 0 }
    }

    // MARK: The verifier's end

    /// The verifier sends a part of the answer.
    func send(_ piece: Piece) {
        guard !isOver else { return }
        guard case .bytes(let bytes, let tokens) = piece else { return depart(piece) }
        // A network may cut anywhere.
        var rest = bytes
        let limit = max(64, context.scenario.network.sliceBytes)
        while rest.readableBytes > 1, rest.readableBytes > limit || timeline.random.next(below: 4) == 0 {
            let length = 1 + timeline.random.next(below: min(limit, rest.readableBytes - 1))
            guard let slice = rest.readSlice(length: length) else { break }
            depart(.bytes(slice, tokens: 0))
        }
        depart(.bytes(rest, tokens: tokens))
    }

    private func depart(_ piece: Piece) {
        lastArrival = max(lastArrival, route.arrival())
        timeline.schedule(at: lastArrival) { [weak self, resets] in
            guard let self, self.resets == resets else { return }
            arrive(piece)
        }
    }

    /// The connection ends with an error, and some of what is on its way may be lost.
    func reset() {
        if timeline.random.next(below: 2) == 0 {
            resets += 1
            lastArrival = timeline.now
        }
        depart(.failure(.disconnected))
    }

    // MARK: Arriving

    private func arrive(_ piece: Piece) {
        guard !isOver else { return }
        unread.append(piece)
        pump()
        guard isPaused else { return }
        let tokens = unread.reduce(0) { sum, piece in
            if case .bytes(_, let tokens) = piece { sum + tokens } else { sum }
        }
        if tokens > Self.unreadLimit { exchange?.overflow(tokens) }
    }

    private func pump() {
        while !isPaused, !isOver, !unread.isEmpty {
            switch unread.removeFirst() {
            case .head(let head): gateway.tell(.answerBegan(attempt, head))
            case .bytes(let bytes, _):
                gateway.tell(.answerBytes(attempt, bytes))
                isPaused = gateway.isBlocked(request)
            case .end:
                isOver = true
                gateway.tell(.answerEnded(attempt))
            case .failure(let failure):
                isOver = true
                gateway.tell(.attemptFailed(attempt, failure))
            }
        }
    }
}
