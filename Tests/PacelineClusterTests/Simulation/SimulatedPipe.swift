import NIOCore
import PacelineCluster

/// A connection between one worker and the verifier: two byte streams that keep their order, and take their time.
struct SimulatedPipe {
    enum Side {
        case worker, verifier
    }

    let worker: Int
    /// The life of the worker process that made the connection.
    let life: Int
    let workerLink: LinkID
    let verifierLink: LinkID
    /// Until when nothing gets through in either direction, as if the route were gone; TCP delivers it all afterwards.
    var heldUntil = Instant.zero
    var isOpen = true
    /// When the last chunk of each direction arrives: no later one may overtake it.
    private var arrival: [Side: Instant] = [:]

    init(worker: Int, life: Int, workerLink: LinkID, verifierLink: LinkID) {
        self.worker = worker
        self.life = life
        self.workerLink = workerLink
        self.verifierLink = verifierLink
    }

    /// When a chunk that is sent now arrives at `side`.
    mutating func arrival(at side: Side, sent now: Instant, delay: Duration) -> Instant {
        let due = max(max(now, heldUntil) + delay, arrival[side] ?? .zero)
        arrival[side] = due
        return due
    }
}
