import Logging
import PacelineSpeculation
import PacelineWire

/// Something at a worker that an operator may want to know; the shell logs it.
package enum WorkerNote: Sendable, Equatable {
    case joined(endpoint: Int, LinkPeer)
    /// The link ended; the next attempt comes after `retry`, or never if nil.
    case linkClosed(endpoint: Int, LinkFault, retry: Duration?)
    /// A verifier asked to draft for a request that has a name.
    case opened(DraftSessionID, RequestTag)
    case sessionFailed(DraftSessionID, RequestTag?, reason: String)
    case verifierDraining(endpoint: Int, reason: String)
}

extension WorkerNote {
    /// The note in words, given the endpoints that the worker connects to.
    func description(endpoints: [Endpoint]) -> String {
        switch self {
        case .joined(let endpoint, let peer):
            "connected to \(peer.name) at \(endpoints[endpoint]) (\(peer.fingerprint?.model ?? "no model"))"
        case .linkClosed(let endpoint, .unreachable(let failure), let retry):
            failure.connecting(to: "\(endpoints[endpoint])") + Self.outlook(retry)
        case .linkClosed(let endpoint, let fault, let retry):
            "lost \(endpoints[endpoint]): \(fault)" + Self.outlook(retry)
        case .opened(let session, _): "drafting for a request begins (\(session))"
        case .sessionFailed(let session, _, let reason): "drafting failed (\(session)): \(reason)"
        case .verifierDraining(let endpoint, let reason): "\(endpoints[endpoint]) is leaving: \(reason)"
        }
    }

    private static func outlook(_ retry: Duration?) -> String {
        guard let retry else { return "; not trying again" }
        let tenths = max(1, (retry.inMilliseconds / 100).rounded())
        let seconds = tenths / 10
        return "; trying again in \(seconds == seconds.rounded() ? "\(Int(seconds))" : "\(seconds)") s"
    }

    /// The request that it is about; nil if it is about none, or one without a name.
    var request: RequestTag? {
        switch self {
        case .opened(_, let tag): tag
        case .sessionFailed(_, let tag, _): tag
        case .joined, .linkClosed, .verifierDraining: nil
        }
    }

    var level: Logger.Level {
        switch self {
        case .opened: .debug
        case .joined, .verifierDraining: .info
        case .linkClosed: .warning
        case .sessionFailed: .error
        }
    }
}
