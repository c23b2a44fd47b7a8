import HTTPTypes
import PacelineGateway

/// Bugs that a test plants between the machines and the simulated world, to show that the checks find them. Without a
/// test it does nothing.
struct Interference {
    /// Where a part of a stream is that a gateway passes on.
    struct Part {
        /// Verifiers that have been asked for the stream.
        var opens: Int
        /// Whether no part with tokens came of the present verifier before.
        var isFirst: Bool
        var tokens: Int
    }

    /// Changes what a gateway sends to a verifier.
    var call: (UpstreamCall) -> UpstreamCall = { $0 }
    /// The model with which a verifier computes, instead of the one that it claims to have.
    var dialect: (_ verifier: Int, _ claimed: Int) -> Int = { $1 }
    /// Changes what the head of a stream says.
    var headers: (HTTPFields) -> HTTPFields = { $0 }
    /// Changes what a gateway gives a client in one piece.
    var answer: (ProxyAnswer) -> ProxyAnswer = { $0 }
    /// Whether a part of a stream gets lost in the gateway.
    var losesPart: (Part) -> Bool = { _ in false }
}
