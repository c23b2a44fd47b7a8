/// Whether a process takes requests, on the way to its end.
package struct DrainState: Sendable {
    package enum Phase: Sendable {
        case serving
        /// It still takes requests, from those who have not heard yet that it will end.
        case leaving
        case draining
    }

    package private(set) var phase = Phase.serving
    private let process: String

    /// - Parameter process: what errors call it, such as `the verifier`.
    package init(of process: String) {
        self.process = process
    }

    /// Whether the process will end soon.
    package var isEnding: Bool { phase != .serving }

    /// Reports not ready from now on, so that load balancers send no more requests; those that come are served.
    package mutating func leave() {
        if phase == .serving { phase = .leaving }
    }

    /// Takes no new requests from now on.
    package mutating func drain() {
        phase = .draining
    }

    /// Throws unless the process wants requests.
    package func checkReadiness() throws(APIError) {
        guard phase == .serving else { throw refusal }
    }

    /// Throws if the process takes no requests any more.
    package func checkOpenness() throws(APIError) {
        guard phase != .draining else { throw refusal }
    }

    private var refusal: APIError {
        .unavailable(
            "\(process) is shutting down and takes no new requests; ask another one",
            code: "draining",
            retryAfter: 2
        )
    }
}
