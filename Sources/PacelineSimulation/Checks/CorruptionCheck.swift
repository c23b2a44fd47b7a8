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

    init(_ end: SimulatedConnection.End) {
        self.init(host: end.owner.host, life: end.life, link: end.link)
    }
}

/// Which links of verifiers belong to honest workers, and which links and workers got corrupt bytes.
private struct LinkIntegrity {
    var honest: Set<LinkKey> = []
    var poisoned: Set<LinkKey> = []
    var poisonedWorkers: Set<ProcessLife> = []
    /// Links and workers whose peers may have taken a frame of an earlier connection for one of this, and answered it.
    var misled: Set<LinkKey> = []
    var misledWorkers: Set<ProcessLife> = []

    /// Whether only honest and intact bytes came over a link, from a peer that got such bytes itself.
    func isSound(_ link: LinkKey) -> Bool {
        honest.contains(link) && !poisoned.contains(link) && !misled.contains(link)
    }
}

/// Checks that each end notices corrupt bytes, and that no end accuses an honest peer.
final class CorruptionCheck {
    private let journal: Journal
    private let reasons: ReasonCheck
    private let verifiers: Int
    /// Whether frames of earlier connections come again. If the number is right, nothing else tells them apart.
    private let replays: Bool
    private var integrity = LinkIntegrity()

    init(_ scenario: Scenario, journal: Journal) {
        self.journal = journal
        reasons = ReasonCheck(scenario)
        verifiers = scenario.verifiers
        replays = scenario.faults.union(scenario.strikes.map(\.kind)).contains(.replay)
    }

    // MARK: What the network does

    /// An honest worker's connection has come in.
    func opened(_ connection: SimulatedConnection) {
        integrity.honest.insert(LinkKey(connection.server))
    }

    /// A receiver has got its first corrupt byte.
    func delivered(_ id: Int, _ connection: SimulatedConnection, _ side: SimulatedConnection.Side) {
        guard connection.isHonest, !connection.isClosed(side) else { return }
        journal.statistics.poisonDelivered += 1
        journal.note("poison", "connection \(id), to the \(side)")
        let worker = ProcessLife(host: connection.client.owner.host, life: connection.client.owner.life)
        if side == .worker {
            integrity.poisonedWorkers.insert(worker)
            if replays { integrity.misled.insert(LinkKey(connection.server)) }
        } else {
            integrity.poisoned.insert(LinkKey(connection.server))
            if replays { integrity.misledWorkers.insert(worker) }
        }
    }

    /// A side is done with a connection, for any reason. Corrupt bytes that it got count as outlived until it says
    /// that it ended the connection because of them: see ``detected()``.
    func ended(_ id: Int, _ connection: SimulatedConnection, _ side: SimulatedConnection.Side) {
        guard connection.isHonest, !connection.isClosed(side), connection[to: side].watch.isPoisonDelivered else {
            return
        }
        journal.statistics.poisonOutlived += 1
        journal.note("outlived", "connection \(id), by the \(side)")
    }

    /// A receiver has got the whole of a corrupt frame: it must have closed the connection.
    func mustBeOver(_ id: Int, _ connection: SimulatedConnection, _ side: SimulatedConnection.Side) {
        guard connection.isHonest, !connection.isClosed(side) else { return }
        journal.fail(.corruption, "the \(side) of connection \(id) went on after a corrupt or repeated frame")
    }

    // MARK: What the ends say

    /// A verifier has ended a link or learnt of its end.
    func closed(_ link: LinkKey, by verifier: String, _ fault: LinkFault) {
        if integrity.poisoned.contains(link), case .malformed = fault { detected() }
        if integrity.isSound(link) { judge(fault, verifier) }
        if integrity.honest.contains(link) { judgeReason(fault, verifier) }
    }

    /// A worker has ended a link or learnt of its end.
    ///
    /// - Parameter isForeign: whether verifiers have to refuse it.
    func closed(_ worker: ProcessLife, isForeign: Bool, _ fault: LinkFault) {
        guard !isForeign else { return }
        if !integrity.poisonedWorkers.contains(worker) {
            if !integrity.misledWorkers.contains(worker) { judge(fault, worker.host) }
        } else if case .malformed = fault {
            detected()
        }
        judgeReason(fault, worker.host)
    }

    /// A worker has refused a request because it has too many. Only another verifier may have given it those.
    func gaveUp(_ link: LinkKey, _ detail: String) {
        if integrity.honest.contains(link), verifiers == 1 { journal.fail(.membership, detail) }
    }

    private func judgeReason(_ fault: LinkFault, _ who: String) {
        guard let cause = reasons.missingCause(of: fault) else { return }
        journal.fail(.reasons, "\(who) lost a link because \(fault), and \(cause)")
    }

    /// A verifier has refused a tree, which only a dishonest worker may cause.
    func refusedTree(_ link: LinkKey, _ detail: String) {
        if integrity.isSound(link) { journal.fail(.falseAccusation, "\(detail); it came from an honest worker") }
    }

    /// A side has given a connection up because of corrupt bytes.
    private func detected() {
        journal.statistics.poisonDetected += 1
        journal.statistics.poisonOutlived -= 1
    }

    /// A link to an honest peer over an intact network has ended: the peer must not be blamed.
    private func judge(_ fault: LinkFault, _ who: String) {
        switch fault {
        case .malformed, .unexpected, .violation, .internal, .noCommonVersion, .otherModel, .authenticationFailed:
            journal.fail(.falseAccusation, "\(who) accused an honest peer: \(fault)")
        case .reported(let code, let reason) where [.badFrame, .badMessage, .unexpected, .limit].contains(code):
            // The peer may have got corrupt bytes that this side cannot know of.
            journal.note("accused", "\(who) by its peer: \(reason)")
        default: break
        }
    }
}
