/// What a worker keeps of one link to a verifier.
struct WorkerLink: Sendable {
    /// How long the link is to last.
    enum Stay: Sendable, Equatable {
        /// For as long as both processes live.
        case lasting
        /// The verifier is no longer one of those to serve: until its open requests have ended, and not beyond a time.
        case retiring(by: Instant)
        /// The verifier was told: until it has taken its requests back, and not beyond a time.
        case leaving(by: Instant)
    }

    let endpoint: Endpoint
    /// The verifier's process life; nil until the handshake is over.
    var incarnation: UInt64?
    var stay = Stay.lasting

    init(to endpoint: Endpoint) {
        self.endpoint = endpoint
    }

    /// When the link ends at the latest; nil if nothing is to end it.
    var limit: Instant? {
        switch stay {
        case .lasting: nil
        case .retiring(let limit), .leaving(let limit): limit
        }
    }

    var isLeaving: Bool {
        if case .leaving = stay { true } else { false }
    }
}

/// A verifier that a worker is to serve: whether it is connected, and what came of the last attempt.
struct VerifierContact: Sendable {
    var reconnection: Reconnection
    /// The link that was made last for it.
    var link: LinkID?
    /// Why the last link ended; nil while one is established.
    var fault: LinkFault?
    /// The verifier that ended the last link in favour of another one of this worker, which may not be established yet.
    var fencedBy: UInt64?

    init(delays: ClosedRange<Duration>) {
        reconnection = Reconnection(delays: delays)
    }
}
