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
        /// No worker has more nodes outstanding than its credit.
        case credit
        /// Each worker is connected once, and is given no more than it takes: nothing at all while it leaves.
        case membership
        /// Nothing is done for a client that has gone.
        case cancellation
        /// A silent peer is given up in time.
        case detection
        /// Links end only for reasons that the faults of the run explain.
        case reasons
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
