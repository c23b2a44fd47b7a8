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
    case sessionFailed(DraftSessionID, reason: String)
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
        case .sessionFailed(let session, let reason): "drafting failed (\(session)): \(reason)"
        case .verifierDraining(let endpoint, let reason): "\(endpoint) is leaving: \(reason)"
        }
    }

    private static func outlook(_ retry: Duration?) -> String {
        guard let retry else { return "; not trying again" }
        let tenths = max(1, (retry.inMilliseconds / 100).rounded())
        let seconds = tenths / 10
        return "; trying again in \(seconds == seconds.rounded() ? "\(Int(seconds))" : "\(seconds)") s"
    }

    var level: Logger.Level {
        switch self {
        case .joined, .left, .sameVerifier, .verifierDraining: .info
        case .linkClosed: .warning
        case .sessionFailed: .error
        }
    }
}
