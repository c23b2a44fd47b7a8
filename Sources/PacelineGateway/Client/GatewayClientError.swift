package import PacelineCluster

/// Why a verifier did not answer a request.
package enum GatewayClientError: Error, Sendable, Hashable, CustomStringConvertible {
    case unreachable(Endpoint, reason: String)
    /// The verifier refused, with an HTTP status and a message.
    case refused(status: Int, message: String)
    /// The request failed after it had started.
    case failed(message: String)
    /// The connection ended in the middle of the answer.
    case disconnected(Endpoint)
    case malformed(Endpoint, reason: String)

    package var description: String {
        switch self {
        case .unreachable(let address, let reason):
            "the verifier at \(address) cannot be reached (\(reason)); check that it runs"
        case .refused(_, let message), .failed(let message): message
        case .disconnected(let address):
            "the verifier at \(address) went away before the text ended; start it again, and the same seed gives "
                + "the same text"
        case .malformed(let address, let reason): "\(address) answered with what is no completion: \(reason)"
        }
    }
}
