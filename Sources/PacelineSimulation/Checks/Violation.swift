package import PacelineCluster

/// Something that must never happen, and did.
package struct Violation: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is promised; the names are those of the project's list of invariants.
    package enum Promise: String, Sendable, CaseIterable {
        /// The tokens are those of plain decoding.
        case identity
        /// A client's stream only ever grows, and ends once.
        case stream
        /// Every request ends, and after healing everything works again soon.
        case liveness
        /// The engine is used as it must be: one commit per round, cache length = committed length.
        case engine
        /// No tree but one proposed for this very prefix reaches a pass.
        case staleness
        /// No corrupted or repeated frame is accepted.
        case corruption
        /// Queues stay within their caps.
        case caps
        /// What was taken is given back.
        case accounting
        /// No token is held up by a worker.
        case delay
        /// Throughput does not fall below plain decoding.
        case throughput
        /// Peers that did nothing wrong are not accused, and those that did are.
        case blame
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
