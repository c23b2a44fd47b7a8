import PacelineWire

/// What only the verifier's machine itself can see, and what must never be.
package enum AuditFinding: Sendable, Equatable, CustomStringConvertible {
    /// A worker's tree is larger than any credit that it was given.
    case creditExceeded(LinkID, RequestID, nodes: Int, limit: Int)
    /// A request is open at a worker that is leaving.
    case leaverEmployed(LinkID, name: String)
    /// Two links count as the same process life.
    case twins(LinkID, LinkID, name: String)
    /// A pass verifies a node for which only workers speak that have never been right, and it is believed to be more
    /// likely than not.
    case strangersTrusted([LinkID], RequestID, probability: Double)

    package var description: String {
        switch self {
        case .creditExceeded(let worker, let request, let nodes, let limit):
            "\(worker) has \(nodes) nodes for \(request), and may have \(limit)"
        case .leaverEmployed(let worker, let name): "\(name) on \(worker) is leaving, and has requests"
        case .twins(let one, let other, let name): "\(one) and \(other) are both links of one life of \(name)"
        case .strangersTrusted(let workers, let request, let probability):
            "a node for \(request) counts as \(probability) likely, and of \(workers) none has been right yet"
        }
    }
}

/// How much a verifier has to do, in numbers that are asked for after every event.
package struct VerifierCensus: Sendable {
    package var running = 0
    package var waiting = 0
    /// Connections of all kinds, and those of workers.
    package var links = 0
    package var workers = 0

    package init() {}

    /// Whether no request runs or waits.
    package var isIdle: Bool { running == 0 && waiting == 0 }
}

extension VerifierMachine {
    /// What ``snapshot`` counts, as far as it is needed all the time. `mutating` as ``audit()`` is.
    package mutating func census() -> VerifierCensus {
        var census = VerifierCensus()
        (census.running, census.waiting) = (running.count, waiting.count)
        (census.links, census.workers) = (links.count, links.count { $0.worker != nil })
        return census
    }

    /// Looks for states that must never be, between two events. Nothing asks in production.
    ///
    /// `mutating`, though it changes nothing: a machine that an object holds would be copied otherwise.
    package mutating func audit() -> AuditFinding? {
        for request in running.keys {
            let largest = running.read(request) { $0.largestTree }
            guard let (worker, nodes) = largest, nodes > configuration.draft.nodes else { continue }
            return .creditExceeded(worker, request, nodes: nodes, limit: configuration.draft.nodes)
        }
        if let finding = auditTrust() { return finding }
        var lives: [UInt64: LinkID] = [:]
        for id in links.keys {
            guard let worker = links[id]?.worker else { continue }
            if worker.isDraining, !ledger.requests(of: id).isEmpty {
                return .leaverEmployed(id, name: worker.peer.name)
            }
            if let twin = lives.updateValue(id, forKey: worker.peer.incarnation) {
                return .twins(twin, id, name: worker.peer.name)
            }
        }
        return nil
    }

    /// A worker that has never been right counts no more than even odds.
    private mutating func auditTrust() -> AuditFinding? {
        guard let pass = scheduler.inFlight else { return nil }
        for (request, tree) in zip(pass.trees.keys, pass.trees.values) {
            let strangers = tree.workers.map { worker in
                links.contains(worker) { $0.worker?.profile.isProven == false }
            }
            guard strangers.contains(true) else { continue }
            for node in tree.tree.indices where tree.probabilities[node] > 0.5001 {
                let speakers = tree.workers.indices.filter { tree.proposers[node] & 1 << UInt64($0) != 0 }
                guard speakers.allSatisfy({ strangers[$0] }) else { continue }
                let workers = speakers.map { tree.workers[$0] }
                return .strangersTrusted(workers, request, probability: tree.probabilities[node])
            }
        }
        return nil
    }

    /// The link by which a worker's process life is connected; nil if it is not.
    package mutating func link(of incarnation: UInt64) -> LinkID? {
        links.keys.first { links.contains($0) { $0.worker?.peer.incarnation == incarnation } }
    }
}
