import Synchronization

/// What a verifier's HTTP side can do now.
package final class ServerLifecycle: Sendable {
    private struct State {
        /// Nil while the model is loaded; a process that ends before has nothing to drain.
        var services: Services?
        var drain = DrainState(of: "the verifier")
    }

    /// What `/metrics` answers in every phase.
    let metrics: ServerMetrics
    /// The requests that are being answered, in every phase.
    package let requests = RequestCount()
    /// Names this life of the process.
    let incarnation = String(UInt64.random(in: 0 ... .max), radix: 16)
    private let state = Mutex(State())

    package init(metrics: ServerMetrics) {
        self.metrics = metrics
    }

    /// Begins serving; call when the model is loaded.
    package func begin(serving services: Services) {
        state.withLock { $0.services = services }
    }

    /// Reports not ready from now on, so that load balancers send no more requests; those that come are served.
    package func beginLeaving() {
        state.withLock { if $0.services != nil { $0.drain.leave() } }
    }

    /// Takes no new requests from now on.
    package func drain() {
        state.withLock { if $0.services != nil { $0.drain.drain() } }
    }

    /// Where in its life the process is; nil while it loads.
    var phase: DrainState.Phase? {
        state.withLock { $0.services == nil ? nil : $0.drain.phase }
    }

    /// Whether the process is shutting down.
    package var isEnding: Bool { state.withLock { $0.drain.isEnding } }

    /// Throws unless the process wants requests.
    func checkReadiness() throws(APIError) {
        let state = state.withLock { $0 }
        guard state.services != nil else { throw Self.loading }
        try state.drain.checkReadiness()
    }

    /// What serves new requests.
    func serving() throws(APIError) -> Services {
        let state = state.withLock { $0 }
        guard let services = state.services else { throw Self.loading }
        try state.drain.checkOpenness()
        return services
    }

    /// What knows of the model, once it is loaded.
    func loaded() throws(APIError) -> Services {
        guard let services else { throw Self.loading }
        return services
    }

    /// The same; nil before.
    var services: Services? { state.withLock { $0.services } }

    private static let loading = APIError.unavailable(
        "Loading model; try again in a moment",
        code: "loading",
        retryAfter: 1
    )
}
