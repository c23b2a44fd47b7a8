/// Why one side of a link does not believe the other.
package enum AuthenticationFailure: Equatable, Sendable {
    /// The verifier asks for a shared token, and the worker has none.
    case workerHasNoToken
    /// The worker asks for a shared token, and the verifier has none.
    case verifierHasNoToken
    /// The worker's proof does not come from this verifier's token.
    case workerProofWrong
    /// The verifier's proof does not come from this worker's token.
    case verifierProofWrong
    /// The verifier ignored the worker's question: it has no token, or somebody on the path removed the question.
    case challengeSkipped
    /// The TLS handshake failed.
    case transport(String)
}

extension AuthenticationFailure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .workerHasNoToken:
            "the verifier asks for a shared token and the worker has none; give the worker the verifier's token"
        case .verifierHasNoToken:
            "the worker has a shared token and the verifier has none; give both the same token, or neither"
        case .workerProofWrong: "the worker's shared token is not the verifier's; give both the same token"
        case .verifierProofWrong: "the verifier's shared token is not the worker's; give both the same token"
        case .challengeSkipped: "the verifier did not prove that it knows the shared token; give it this worker's token"
        case .transport(let reason): reason
        }
    }
}
