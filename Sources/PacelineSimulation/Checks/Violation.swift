package import PacelineCluster

/// A broken promise.
package struct Violation: Error, Equatable, Sendable, CustomStringConvertible {
    /// What the cluster promises.
    package enum Promise: String, Sendable, CaseIterable {
        /// The tokens are those of plain decoding.
        case identity
        /// A client's stream only ever grows, and ends once.
        case stream
        /// Every request ends, and everything works again soon after healing.
        case liveness
        /// The engine is used by its contract: one commit per round, cache length = committed length.
        case engine
        /// Only trees that were proposed for exactly this prefix reach a pass.
        case staleness
        /// No corrupted or repeated frame is accepted.
        case corruption
        /// Queues stay within their caps.
        case caps
        /// What was reserved is released.
        case accounting
        /// No worker holds up a token.
        case delay
        /// Throughput does not fall below plain decoding.
        case throughput
        /// Honest peers are not accused, and dishonest ones are.
        case falseAccusation = "blame"
        /// The same seed gives the same run.
        case determinism
    }

    package var promise: Promise
    package var at: Instant
    package var detail: String

    package init(_ promise: Promise, at: Instant, _ detail: String) {
        self.promise = promise
        self.at = at
        self.detail = detail
    }

    package var description: String {
        "\(promise.rawValue) broken at \(at.nanoseconds / 1_000_000) ms: \(detail)"
    }
}
