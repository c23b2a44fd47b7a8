import Logging
import PacelineSpeculation
import PacelineWire

/// Something at a worker that an operator may want to know; the shell logs it.
package enum WorkerNote: Sendable, Equatable {
    case joined(endpoint: Endpoint, LinkPeer)
    /// The link ended; the next attempt comes after `retry`, or never if nil.
    case linkClosed(endpoint: Endpoint, LinkFault, retry: Duration?)
    /// The worker has left a verifier that it is not to serve any more.
    case left(endpoint: Endpoint)
    /// Two addresses lead to one verifier, which needs only one link.
    case sameVerifier(endpoint: Endpoint, as: Endpoint)
    /// A verifier asked to draft for a request that has a name.
    case opened(DraftSessionID, RequestTag)
    case sessionFailed(DraftSessionID, RequestTag?, reason: String)
    case verifierDraining(endpoint: Endpoint, reason: String)
}

extension WorkerNote: CustomStringConvertible {
    package var description: String {
        switch self {
        case .joined(let endpoint, let peer):
            "connected to \(peer.name) at \(endpoint) (\(peer.fingerprint?.model ?? "no model"))"
        case .linkClosed(let endpoint, .unreachable(let failure), let retry):
            failure.connecting(to: "\(endpoint)") + Self.outlook(retry)
        case .linkClosed(let endpoint, let fault, let retry): "lost \(endpoint): \(fault)" + Self.outlook(retry)
        case .left(let endpoint): "left \(endpoint)"
        case .sameVerifier(let endpoint, let other): "\(endpoint) and \(other) are one verifier, which is connected"
        case .opened(let session, _): "drafting for a request begins (\(session))"
        case .sessionFailed(let session, _, let reason): "drafting failed (\(session)): \(reason)"
        case .verifierDraining(let endpoint, let reason): "\(endpoint) is leaving: \(reason)"
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
        case .joined, .linkClosed, .left, .sameVerifier, .verifierDraining: nil
        }
    }

    var level: Logger.Level {
        switch self {
        case .opened: .debug
        case .joined, .left, .sameVerifier, .verifierDraining: .info
        case .linkClosed: .warning
        case .sessionFailed: .error
        }
    }
}
