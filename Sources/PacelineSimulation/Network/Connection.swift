import PacelineCluster

/// A simulated TCP connection between a worker's host and a verifier.
struct Connection {
    enum Side: UInt64 {
        case worker, verifier

        var other: Side { self == .worker ? .verifier : .worker }
    }

    /// Who sits at the worker's end.
    enum Client: Equatable {
        case worker(Int, life: Int, LinkID)
        case byzantine(Int)
        /// Somebody who talks nonsense.
        case stranger

        /// A worker's address, which it keeps over its lives.
        var host: String {
            switch self {
            case .worker(let index, _, _): "worker \(index)"
            case .byzantine(let index): "byzantine \(index)"
            case .stranger: "stranger"
            }
        }
    }

    let client: Client
    let verifier: Int
    let verifierLife: Int
    let verifierLink: LinkID
    /// By the side that receives.
    private var toWorker = Lane()
    private var toVerifier = Lane()
    /// Sides whose application is done with it.
    private var closed: (worker: Bool, verifier: Bool) = (false, false)
    /// Sides that know the connection is up.
    private var opened: (worker: Bool, verifier: Bool) = (false, false)

    init(client: Client, verifier: Int, verifierLife: Int, verifierLink: LinkID) {
        self.client = client
        self.verifier = verifier
        self.verifierLife = verifierLife
        self.verifierLink = verifierLink
    }

    /// The lane on which `side` receives.
    subscript(to side: Side) -> Lane {
        _read {
            if side == .worker { yield toWorker } else { yield toVerifier }
        }
        _modify {
            if side == .worker { yield &toWorker } else { yield &toVerifier }
        }
    }

    func isClosed(_ side: Side) -> Bool {
        side == .worker ? closed.worker : closed.verifier
    }

    mutating func close(_ side: Side) {
        if side == .worker { closed.worker = true } else { closed.verifier = true }
    }

    mutating func open(_ side: Side) {
        if side == .worker { opened.worker = true } else { opened.verifier = true }
    }

    func isOpened(_ side: Side) -> Bool {
        side == .worker ? opened.worker : opened.verifier
    }

    /// Whether both sides know that the connection is up, and neither is done with it.
    var isUp: Bool { opened.worker && opened.verifier && !closed.worker && !closed.verifier }

    /// Nobody is left at either end.
    var isGone: Bool { closed.worker && closed.verifier }

    /// The worker whose host the connection belongs to; nil for other clients.
    var worker: Int? {
        if case .worker(let index, _, _) = client { index } else { nil }
    }
}
