package import HTTPTypes
package import NIOCore

/// A client's request at the gateway.
package struct ProxyRequestID: Hashable, Sendable, Comparable {
    package let number: UInt64

    package init(_ number: UInt64) {
        self.number = number
    }

    package static func < (left: Self, right: Self) -> Bool { left.number < right.number }
}

/// One try to have a request answered by a replica.
package struct AttemptID: Hashable, Sendable, Comparable {
    package let number: UInt64

    package init(_ number: UInt64) {
        self.number = number
    }

    package static func < (left: Self, right: Self) -> Bool { left.number < right.number }
}

/// What happens to a gateway.
package enum GatewayEvent: Sendable {
    /// These are the replicas now; others get no new requests.
    case replicas([ReplicaAddress])
    /// The answer to ``GatewayEffect/poll(_:)``, or that none came in time.
    case polled(ReplicaAddress, HealthAnswer)
    case request(ProxyRequestID, ProxiedCall)
    case clientLeft(ProxyRequestID)
    /// Bytes wait because the client does not take them, and its replica is not read from.
    case clientBlocked(ProxyRequestID)
    case clientDrained(ProxyRequestID)
    case answerBegan(AttemptID, AnswerHead)
    case answerBytes(AttemptID, ByteBuffer)
    case answerEnded(AttemptID)
    case attemptFailed(AttemptID, AttemptFailure)
    /// ``GatewayMachine/deadline`` has come.
    case timer
}

/// What a gateway wants done.
package enum GatewayEffect: Sendable {
    /// Ask a replica for its health.
    case poll(ReplicaAddress)
    /// Send a call to a replica.
    case open(AttemptID, ReplicaAddress, UpstreamCall)
    /// Give up on an attempt; no event of it matters any more.
    case close(AttemptID)
    /// Answer a request at once, which ends it.
    case answer(ProxyRequestID, ProxyAnswer)
    /// Begin an answer that is a stream of events, with these headers besides those of every stream.
    case begin(ProxyRequestID, HTTPFields)
    /// Send a part of a stream. `tokens` is the number of tokens in it.
    case send(ProxyRequestID, ByteBuffer, tokens: Int)
    /// End a stream, which ends the request.
    case finish(ProxyRequestID)
}

/// What a replica says of itself.
package enum HealthAnswer: Hashable, Sendable {
    /// It wants requests. Replicas of one generation give equal tokens; addresses with one incarnation lead to one
    /// process. Nil from a verifier that does not say.
    case ready(generation: String, incarnation: String? = nil)
    /// It is there, but loads its model, or will end soon.
    case refusing
    /// It names no generation, so it is no verifier: what it streams could not be gone on with.
    case foreign
    case unreachable
}

/// Why an attempt failed without an answer.
package enum AttemptFailure: Hashable, Sendable {
    /// No connection could be made, so the replica knows nothing of the request.
    case unreachable
    /// The connection ended.
    case disconnected
}
