package import PacelineCluster

/// Why a verifier did not answer a request.
package enum ServerClientError: Error, Sendable, Hashable, CustomStringConvertible {
    case unreachable(Endpoint, SocketFailure)
    /// The verifier refused, with an HTTP status and a message.
    case refused(status: Int, message: String)
    /// The request failed after it had started.
    case failed(message: String)
    /// The connection ended in the middle of the answer.
    case disconnected(Endpoint)
    case malformed(Endpoint, reason: String)

    package var description: String {
        switch self {
        case .unreachable(let address, let failure):
            "\(failure.connecting(to: "\(address)")); check that the verifier runs"
        case .refused(_, let message), .failed(let message): message
        case .disconnected(let address):
            "the verifier at \(address) went away before the text ended; start it again, and the same seed gives "
                + "the same text"
        case .malformed(let address, let reason): "\(address) does not answer as a verifier does: \(reason)"
        }
    }
}
