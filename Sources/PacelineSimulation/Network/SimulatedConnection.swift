import NIOCore
import PacelineCluster

/// What happens to one end of a connection.
enum ConnectionEvent {
    /// - Parameter peer: the address at the other end.
    case opened(peer: String)
    case received(ByteBuffer)
    /// Written bytes have left.
    case flushed(Int)
    case disconnected(reason: String?)
}

/// A process that holds one end of simulated connections.
protocol ConnectionOwner: AnyObject {
    /// Its address, which it keeps over its lives.
    var host: String { get }
    /// How often it has been restarted.
    var life: Int { get }
    var isDead: Bool { get }
    /// Whether it is stopped, so that its kernel keeps what arrives.
    var isStopped: Bool { get }

    func receive(_ event: ConnectionEvent, on link: LinkID)
    /// Its end of a link's connection is closed.
    func forget(_ link: LinkID)
}

/// A simulated TCP connection between a client and a verifier.
///
/// A class, because it is looked at for every piece that arrives, which would copy a value.
final class SimulatedConnection {
    /// The ends are named for the processes that honest connections join.
    enum Side: UInt64 {
        case worker, verifier

        var other: Side { self == .worker ? .verifier : .worker }
    }

    struct End {
        unowned let owner: any ConnectionOwner
        /// The life of the owner to which the end belongs.
        let life: Int
        /// The owner's name for the connection.
        let link: LinkID

        /// Whether the process that opened it has not been restarted since.
        var isCurrent: Bool { owner.life == life }

        /// Tells the process that opened it of an event.
        func tell(_ event: ConnectionEvent) {
            let owner = owner
            if owner.life == life { owner.receive(event, on: link) }
        }

        /// Whether the process that opened it is stopped.
        var isStopped: Bool {
            let owner = owner
            return owner.life == life && owner.isStopped
        }
    }

    let client: End
    let server: End
    /// By the side that receives.
    private let toWorker = Lane()
    private let toVerifier = Lane()
    /// Sides that have closed it.
    private var closed: (worker: Bool, verifier: Bool) = (false, false)
    /// Sides that know the connection is up.
    private var opened: (worker: Bool, verifier: Bool) = (false, false)

    init(client: End, server: End) {
        self.client = client
        self.server = server
        isHonest = (client.owner as? WorkerProcess)?.isForeign == false
    }

    /// Whether its client keeps to the protocol.
    let isHonest: Bool

    subscript(end side: Side) -> End {
        side == .worker ? client : server
    }

    /// The lane on which `side` receives.
    subscript(to side: Side) -> Lane {
        side == .worker ? toWorker : toVerifier
    }

    /// Whether a side's process is stopped, so that its kernel keeps what arrives.
    func isStopped(_ side: Side) -> Bool {
        side == .worker ? client.isStopped : server.isStopped
    }

    /// Tells a side's process of an event, unless it has been restarted.
    func tell(_ event: ConnectionEvent, to side: Side) {
        if side == .worker { client.tell(event) } else { server.tell(event) }
    }

    func isClosed(_ side: Side) -> Bool {
        side == .worker ? closed.worker : closed.verifier
    }

    func close(_ side: Side) {
        if side == .worker { closed.worker = true } else { closed.verifier = true }
    }

    func open(_ side: Side) {
        if side == .worker { opened.worker = true } else { opened.verifier = true }
    }

    /// Whether both sides know that the connection is up, and neither has closed it.
    var isUp: Bool { opened.worker && opened.verifier && !closed.worker && !closed.verifier }

    /// Whether both sides have closed it.
    var isGone: Bool { closed.worker && closed.verifier }

    /// Whether its verifier still holds it although nothing gets through any more.
    var isHeldDead: Bool {
        (toWorker.isBlackHole || toVerifier.isBlackHole) && server.isCurrent && opened.verifier && !closed.verifier
    }
}
