import PacelineCluster
import PacelineWire

/// Names one life of a process.
struct ProcessLife: Hashable {
    let host: String
    let life: Int
}

/// Names a link of one life of a verifier.
struct LinkKey: Hashable {
    let host: String
    let life: Int
    let link: LinkID

    init(host: String, life: Int, link: LinkID) {
        self.host = host
        self.life = life
        self.link = link
    }

    init(_ end: Connection.End) {
        self.init(host: end.owner.host, life: end.life, link: end.link)
    }
}

/// Which links of verifiers belong to honest workers, and what was handed something corrupt.
private struct LinkIntegrity {
    var honest: Set<LinkKey> = []
    var poisoned: Set<LinkKey> = []
    var poisonedWorkers: Set<ProcessLife> = []

    /// Whether nothing but honest and unspoilt bytes came over a link.
    func isSound(_ link: LinkKey) -> Bool {
        honest.contains(link) && !poisoned.contains(link)
    }
}

/// Whether each end notices what is corrupt, and accuses nobody of anything else.
final class CorruptionCheck {
    private let journal: Journal
    private var integrity = LinkIntegrity()

    init(journal: Journal) {
        self.journal = journal
    }

    // MARK: What the network does

    /// An honest worker's connection has come in.
    func opened(_ connection: Connection) {
        integrity.honest.insert(LinkKey(connection.server))
    }

    /// A receiver was handed the first byte that is not as it was sent.
    func delivered(_ id: Int, _ connection: Connection, _ side: Connection.Side) {
        guard connection.isHonest, !connection.isClosed(side) else { return }
        journal.statistics.poisonDelivered += 1
        journal.note("poison", "connection \(id), to the \(side)")
        if side == .worker {
            let worker = connection.client.owner
            integrity.poisonedWorkers.insert(ProcessLife(host: worker.host, life: worker.life))
        } else {
            integrity.poisoned.insert(LinkKey(connection.server))
        }
    }

    /// A side is done with a connection, for whatever reason. What it was handed that is corrupt counts as outlived
    /// until the side says that it ended the connection for this: see ``detected()``.
    func ended(_ id: Int, _ connection: Connection, _ side: Connection.Side) {
        guard connection.isHonest, !connection.isClosed(side), connection[to: side].watch.isPoisonDelivered else {
            return
        }
        journal.statistics.poisonOutlived += 1
        journal.note("outlived", "connection \(id), by the \(side)")
    }

    /// A receiver has been handed the whole of a corrupt frame: it must be done with the connection.
    func mustBeOver(_ id: Int, _ connection: Connection, _ side: Connection.Side) {
        guard connection.isHonest, !connection.isClosed(side) else { return }
        journal.fail(.corruption, "the \(side) of connection \(id) went on after a corrupt or repeated frame")
    }

    // MARK: What the ends say

    /// A verifier has ended a link, or learnt of its end.
    func closed(_ link: LinkKey, by verifier: String, _ fault: LinkFault) {
        if integrity.poisoned.contains(link), case .malformed = fault { detected() }
        if integrity.isSound(link) { judge(fault, verifier) }
    }

    /// A worker has ended a link, or learnt of its end.
    func closed(_ worker: ProcessLife, _ fault: LinkFault) {
        if !integrity.poisonedWorkers.contains(worker) {
            judge(fault, worker.host)
        } else if case .malformed = fault {
            detected()
        }
    }

    /// A verifier has refused a tree, as only dishonest workers deserve.
    func refusedTree(_ link: LinkKey, _ detail: String) {
        if integrity.isSound(link) { journal.fail(.blame, "\(detail); it came from an honest worker") }
    }

    /// A side has given a connection up because of what was corrupt.
    private func detected() {
        journal.statistics.poisonDetected += 1
        journal.statistics.poisonOutlived -= 1
    }

    /// A link to an honest peer over an honest network has ended: not by its mistake.
    private func judge(_ fault: LinkFault, _ who: String) {
        switch fault {
        case .malformed, .unexpected, .violation, .internal, .noCommonVersion, .otherModel, .authenticationFailed:
            journal.fail(.blame, "\(who) accused an honest peer: \(fault)")
        case .reported(let code, let reason) where [.badFrame, .badMessage, .unexpected, .limit].contains(code):
            // The peer may have met poison that this side cannot know of.
            journal.note("accused", "\(who) by its peer: \(reason)")
        default: break
        }
    }
}
