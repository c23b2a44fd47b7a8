import Logging
import PacelineWire

extension WorkerNote {
    /// The note in words; `endpoints` are what the worker connects to.
    func description(endpoints: [Endpoint]) -> String {
        switch self {
        case .joined(let endpoint, let peer):
            "connected to \(peer.name) at \(endpoints[endpoint]) (\(peer.fingerprint?.model ?? "no model"))"
        case .linkClosed(let endpoint, let fault, let retry):
            "lost \(endpoints[endpoint]): \(fault)" + (retry.map { "; trying again in \($0)" } ?? "; not trying again")
        case .sessionFailed(let session, let reason): "drafting failed (\(session)): \(reason)"
        case .verifierDraining(let endpoint, let reason): "\(endpoints[endpoint]) is leaving: \(reason)"
        }
    }

    var level: Logger.Level {
        switch self {
        case .joined, .verifierDraining: .info
        case .linkClosed: .warning
        case .sessionFailed: .error
        }
    }
}
