import Logging
package import PacelineWire

/// Something at a verifier that an operator may want to know; the shell logs it.
package enum VerifierNote: Sendable, Equatable {
    case workerJoined(LinkID, LinkPeer)
    case workerDraining(LinkID, reason: String)
    case linkClosed(LinkID, name: String?, LinkFault)
    /// A worker's tree broke off; its later deltas are ignored until it starts a new one.
    case treeRefused(LinkID, RequestID, reason: String)
    case workerGaveUp(LinkID, RequestID, Message.Close.Reason, detail: String)
    case engineFailed(String)
    /// Every request has ended after a drain was asked for.
    case drained
}

extension VerifierNote: CustomStringConvertible {
    package var description: String {
        switch self {
        case .workerJoined(let id, let peer):
            "worker \(peer.name) joined (\(id), \(peer.fingerprint?.model ?? "no model"), \(peer.slots) slots)"
        case .workerDraining(let id, let reason): "the worker of \(id) is leaving: \(reason)"
        case .linkClosed(let id, let name, let fault):
            name.map { "worker \($0) left (\(id)): \(fault)" } ?? "a connection was refused (\(id)): \(fault)"
        case .treeRefused(let id, let request, let reason):
            "a tree of \(id) for \(request) was refused: \(reason)"
        case .workerGaveUp(let id, let request, let reason, let detail):
            "the worker of \(id) will not draft for \(request) (\(reason))\(detail.isEmpty ? "" : ": \(detail)")"
        case .engineFailed(let reason): "the target's engine failed: \(reason)"
        case .drained: "all requests have ended"
        }
    }

    /// The request that it is about; nil if it is about none.
    var request: RequestID? {
        switch self {
        case .treeRefused(_, let request, _), .workerGaveUp(_, let request, _, _): request
        case .workerJoined, .workerDraining, .linkClosed, .engineFailed, .drained: nil
        }
    }

    var level: Logger.Level {
        switch self {
        case .workerJoined, .workerDraining, .workerGaveUp, .drained: .info
        case .linkClosed(_, _, .shutdown), .linkClosed(_, .some, .disconnected(reason: nil)): .info
        case .linkClosed, .treeRefused: .warning
        case .engineFailed: .error
        }
    }
}
